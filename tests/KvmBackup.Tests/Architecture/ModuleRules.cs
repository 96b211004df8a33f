namespace KvmBackup.Tests.Architecture;

/// <summary>The table of modules in src/README.md as data, and the terms that belong to one module.</summary>
public static class ModuleRules
{
    /// <summary>Each module with the other modules that it may use, all of them above it in the table.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> MayUse = new Dictionary<string, string[]>
    {
        ["Model"] = [],
        ["Shell"] = ["Model"],
        ["Persisting"] = ["Model"],
        ["Configuration"] = ["Model"],
        ["Planning"] = ["Model", "Configuration"],
        ["Hypervisor"] = ["Model", "Shell"],
        ["Disks"] = ["Model", "Shell", "Persisting"],
        ["Ceph"] = ["Model", "Shell", "Disks"],
        ["Archiving"] = ["Model", "Shell"],
        ["Storage"] = ["Model", "Persisting"],
        ["Journaling"] = ["Model", "Persisting"],
        ["Guarding"] = ["Model", "Shell"],
        ["Reporting"] = ["Model", "Configuration", "Shell"],
        ["Runs"] = ["Model"],
        ["Runs/Transfer"] = ["Model", "Runs", "Storage"],
        ["Runs/Archives"] = ["Model", "Runs", "Planning", "Disks", "Ceph", "Archiving", "Storage", "Runs/Transfer"],
        ["Runs/Capture"] =
        [
            "Model", "Runs", "Configuration", "Disks", "Ceph", "Storage", "Journaling", "Guarding",
            "Runs/Transfer",
        ],
        ["Runs/Clusters"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Disks", "Ceph", "Runs/Capture",
        ],
        ["Runs/Guests"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Disks", "Ceph", "Storage", "Journaling",
            "Runs/Transfer", "Runs/Capture", "Runs/Clusters",
        ],
        ["Runs/Images"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Storage", "Journaling", "Runs/Transfer",
            "Runs/Capture", "Runs/Clusters",
        ],
        ["Runs/Retention"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Archiving", "Storage", "Runs/Transfer", "Runs/Archives",
            "Runs/Capture",
        ],
        ["Runs/Recover"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Disks", "Ceph", "Storage", "Journaling",
            "Guarding", "Runs/Clusters", "Runs/Guests",
        ],
        ["Runs/Backup"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Disks", "Ceph", "Archiving", "Storage",
            "Guarding", "Runs/Transfer", "Runs/Archives", "Runs/Capture", "Runs/Clusters", "Runs/Guests",
            "Runs/Images", "Runs/Retention", "Runs/Recover",
        ],
        ["Runs/Restore"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Disks", "Ceph", "Archiving", "Storage",
            "Journaling", "Runs/Transfer", "Runs/Archives", "Runs/Clusters",
        ],
        ["Runs/Compare"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Ceph", "Archiving", "Storage", "Guarding",
            "Runs/Transfer", "Runs/Archives", "Runs/Capture", "Runs/Guests", "Runs/Images", "Runs/Recover",
        ],
        ["Runs/Inspect"] =
        [
            "Model", "Runs", "Configuration", "Planning", "Hypervisor", "Disks", "Ceph", "Archiving", "Storage",
            "Journaling", "Runs/Archives", "Runs/Clusters", "Runs/Guests", "Runs/Images",
        ],
        ["Cli"] =
        [
            "Model", "Runs", "Configuration", "Reporting", "Runs/Retention", "Runs/Recover", "Runs/Backup",
            "Runs/Restore", "Runs/Compare", "Runs/Inspect",
        ],
        ["Composition"] =
        [
            "Model", "Runs", "Shell", "Configuration", "Planning", "Hypervisor", "Disks", "Ceph", "Archiving",
            "Storage", "Journaling", "Guarding", "Runs/Archives", "Runs/Capture", "Runs/Clusters", "Runs/Guests",
            "Runs/Images", "Runs/Retention", "Runs/Recover", "Runs/Backup", "Runs/Restore", "Runs/Compare",
            "Runs/Inspect", "Cli",
        ],
    };

    /// <summary>The folders of a module that has several, its own last: each may use only those before it.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> FolderOrder = new Dictionary<string, string[]>
    {
        ["Archiving"] =
        [
            "Archiving/Primitives", "Archiving/Checksums", "Archiving/Codecs", "Archiving/Tar", "Archiving/Chunks",
            "Archiving",
        ],
    };

    /// <summary>Regular expressions over code without comments, and the modules where they may occur.</summary>
    public static readonly IReadOnlyList<(string Pattern, string[] Modules)> Words =
    [
        // The program's name as a whole literal is a call of it; within a sentence it is advice.
        (@"""virsh""", ["Hypervisor"]),
        (@"""qemu-img""", ["Disks"]),

        // libvirt has a protocol of the same name.
        (@"""rbd""", ["Ceph", "Hypervisor"]),
        (@"\bYamlDotNet\b", ["Configuration"]),
        (@"\bSystem\.Diagnostics\.Process\b|(?<![\w.])Process\.|\bProcessStartInfo\b", ["Shell"]),
        (@"\bSpectre\b", ["Cli", "Reporting"]),
        (@"(?<![\w.])(System\.)?Console\.", ["Cli", "Reporting", Root]),
        (@"\bSystem\.CommandLine\b", ["Cli", Root]),
        (@"\bSystem\.Reflection\b|\bActivator\b", []),
        (@"\b(fsync|flock)\b", ["Persisting"]),
        (@"\bDateTime(Offset)?\.(Utc)?Now\b|\bDateTime\.Today\b", []),
        (@"\b(File|Directory|FileStream|FileInfo|DirectoryInfo)\.\w+\(",
            [.. AllBut("Model", "Planning")]),

        // Entries of the backup directory are opened by TargetFolder alone, which follows no links.
        (@"\bFile\.(Open|Read)\w*\(|\bnew FileStream\(|\bFileStream \w+ = new\(|\.OpenRead\(\)",
            [.. AllBut("Model", "Planning", "Storage", "Archiving", "Runs")]),
        (@"\bFile\.(Move|Append|Create|Write)\w*\(|\bDirectory\.(Delete|Move)\(|\.Delete\(recursive",
            [.. AllBut("Model", "Planning", "Storage", "Archiving")]),
        (@"\bILogger\b", [.. AllBut("Model", "Planning"), Root]),
        (@"\bTimeProvider\.System\b", [Root]),
    ];

    /// <summary>Files that may use a term of another module, with the reason.</summary>
    public static readonly IReadOnlyList<(string FilePath, string Pattern, string Reason)> Exceptions =
    [
    ];

    /// <summary>The module of a path below the project: its folder, and of the folder Runs the folders in it.</summary>
    public static string ModuleOf(IReadOnlyList<string> path) => path switch
    {
        [] => Root,
        ["Runs", var inner, ..] => $"Runs/{inner}",
        [var outer, ..] => outer,
    };

    // A folder stands for all modules in it.
    private static IEnumerable<string> AllBut(params string[] folders) =>
        MayUse.Keys.Where(module => !folders.Contains(module.Split('/')[0]));

    /// <summary>Program.cs, which composes the modules.</summary>
    private const string Root = "";
}
