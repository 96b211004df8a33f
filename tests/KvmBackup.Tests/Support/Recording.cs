using System.Runtime.CompilerServices;
using KvmBackup.Shell;

namespace KvmBackup.Tests.Support;

/// <summary>The recorded output of a real program, written by <c>Recordings/record.sh</c>.</summary>
/// <param name="CallText">The command line, with one blank between the words.</param>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Output">Its standard output.</param>
/// <param name="ErrorText">Its standard error.</param>
public sealed record Recording(string CallText, int ExitCode, string Output, string ErrorText)
{
    private const string ErrorMark = "=== stderr\n";
    private const string ExitMark = "=== exit ";

    /// <summary>The recorded host's folder of images.</summary>
    public const string ImagesPath = "/var/lib/libvirt/images";

    /// <param name="name">The file below Recordings without its extension: <c>running/dumpxml</c>.</param>
    /// <param name="words">Names of the recorded host with their replacements in the test.</param>
    public static Recording Read(string name, IReadOnlyDictionary<string, string>? words = null)
    {
        string text = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "Recordings", $"{name}.txt"));
        text = (words ?? new Dictionary<string, string>())
            .Aggregate(text, (all, word) => all.Replace(word.Key, word.Value, StringComparison.Ordinal));
        int output = text.IndexOf('\n', StringComparison.Ordinal) + 1;
        int error = text.LastIndexOf(ErrorMark, StringComparison.Ordinal);
        int exit = text.LastIndexOf(ExitMark, StringComparison.Ordinal);
        return new Recording(
            text[2..(output - 1)], int.Parse(text[(exit + ExitMark.Length)..], null), text[output..error],
            text[(error + ErrorMark.Length)..exit]);
    }

    /// <summary>A call in the format of a recording.</summary>
    public static string TextOf(ProgramCall call) => string.Join(' ', call.Arguments.Prepend(call.Program));

    private static string Here([CallerFilePath] string path = "") => path;
}
