using System.Globalization;
using System.Text;

namespace KvmBackup.Persisting;

/// <summary>A name in a folder of the backup directory.</summary>
/// <param name="Text">As text; bytes that are no UTF-8 as <c>\xE9</c>.</param>
/// <param name="IsExact">The name is UTF-8, so that <paramref name="Text"/> opens it.</param>
/// <param name="Status">What bears it.</param>
public sealed record TargetName(string Text, bool IsExact, FileStatus Status)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <param name="name">With the zero at its end.</param>
    internal static bool IsText(byte[] name) => System.Text.Unicode.Utf8.IsValid(name);

    internal static string Format(byte[] name) => IsText(name)
        ? Strict.GetString(name, 0, name.Length - 1)
        : string.Concat(name.SkipLast(1).Select(one => one is >= 0x20 and < 0x7F and not (byte)'\\'
            ? ((char)one).ToString() : string.Create(CultureInfo.InvariantCulture, $"\\x{one:X2}")));
}
