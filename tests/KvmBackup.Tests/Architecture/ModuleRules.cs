namespace KvmBackup.Tests.Architecture;

/// <summary>The design's table of rooms as data, and the words that belong to one room.</summary>
public static class ModuleRules
{
    /// <summary>Each room and the rooms it may use. Its own is understood.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> MayUse = new Dictionary<string, string[]>
    {
        ["Model"] = [],
        ["Shell"] = ["Model"],
        ["Persisting"] = ["Model"],
        ["Configuration"] = ["Model"],
        ["Planning"] = ["Model", "Configuration"],
        ["Hypervisor"] = ["Model", "Shell"],
        ["Disks"] = ["Model", "Shell", "Persisting"],
        ["Archiving"] = ["Model", "Shell"],
        ["Storage"] = ["Model", "Persisting"],
        ["Journaling"] = ["Model", "Persisting"],
        ["Guarding"] = ["Model", "Shell"],
        ["Reporting"] = ["Model", "Configuration", "Shell"],
        ["Runs"] = ["Model", "Configuration", "Planning", "Hypervisor", "Disks", "Archiving", "Storage", "Journaling", "Guarding"],
        ["Cli"] = ["Model", "Configuration", "Runs", "Reporting"],
    };

    /// <summary>Regular expressions over code without comments, and the rooms where they may occur.</summary>
    public static readonly IReadOnlyList<(string Pattern, string[] Modules)> Words =
    [

        // The program's name as a whole literal is a call of it; within a sentence it is a command for a person to type.
        (@"""virsh""", ["Hypervisor"]),
        (@"""qemu-img""", ["Disks"]),

        // libvirt has a protocol of the same name.
        (@"""rbd""", ["Disks", "Hypervisor"]),
        (@"\bYamlDotNet\b", ["Configuration"]),
        (@"\bMedallion\.Shell\b", ["Shell"]),
        (@"\bSystem\.Diagnostics\.Process\b|(?<![\w.])Process\.|\bProcessStartInfo\b", ["Shell"]),
        (@"\bSpectre\b", ["Cli", "Reporting"]),
        (@"(?<![\w.])(System\.)?Console\.", ["Cli", "Reporting", Root]),
        (@"\bSystem\.CommandLine\b", ["Cli", Root]),
        (@"\bSystem\.Reflection\b|\bActivator\b", []),
        (@"\b(fsync|flock)\b", ["Persisting"]),
        (@"\bDateTime(Offset)?\.(Utc)?Now\b|\bDateTime\.Today\b", []),
        (@"\b(File|Directory|FileStream|FileInfo|DirectoryInfo)\.\w+\(",
            [.. MayUse.Keys.Except(["Model", "Planning"])]),

        // What lies in the backup directory is opened by TargetFolder alone, which follows no links.
        (@"\bFile\.(Open|Read)\w*\(|\bnew FileStream\(|\bFileStream \w+ = new\(|\.OpenRead\(\)",
            [.. MayUse.Keys.Except(["Model", "Planning", "Storage", "Archiving", "Runs"])]),
        (@"\bFile\.(Move|Append|Create|Write)\w*\(|\bDirectory\.(Delete|Move)\(|\.Delete\(recursive",
            [.. MayUse.Keys.Except(["Model", "Planning", "Storage", "Archiving"])]),
        (@"\bILogger\b", [.. MayUse.Keys.Except(["Model", "Planning"]), Root]),
        (@"\bTimeProvider\.System\b", [Root]),
    ];

    /// <summary>Files that may say a pattern of <see cref="Words"/> of another room, with the reason.</summary>
    public static readonly IReadOnlyList<(string FilePath, string Pattern, string Reason)> Exceptions =
    [
    ];

    /// <summary>Program.cs, which constructs the rooms.</summary>
    private const string Root = "";
}
