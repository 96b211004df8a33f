using System.Security.Cryptography;
using System.Text;
using KvmBackup.Persisting;

namespace KvmBackup.Storage;

/// <summary>SHA256SUMS in the format of the program <c>sha256sum</c>.</summary>
public static class ChecksumFile
{
    private const int Digits = 64;
    private const long LargestSizeBytes = 1 << 20;
    private const string Separator = "  ";

    /// <param name="sums">File name and checksum in lower-case hexadecimal.</param>
    public static byte[] Format(IEnumerable<KeyValuePair<string, string>> sums) =>
        Encoding.UTF8.GetBytes(string.Concat(sums.Select(sum => $"{sum.Value}{Separator}{sum.Key}\n")));

    /// <summary>The checksums in the file, and its invalid lines.</summary>
    public static ChecksumReading Parse(byte[] content)
    {
        Dictionary<string, string> sums = [];
        List<ArchiveDamage> damages = [];
        for (int start = 0, end; start < content.Length; start = end + 1)
        {
            end = Array.IndexOf(content, (byte)'\n', start);
            bool isCut = end < 0;
            end = isCut ? content.Length : end;
            string line = Encoding.UTF8.GetString(content, start, end - start);
            string? problem = isCut ? "its last line is incomplete" : Add(sums, line);
            if (problem is not null)
            {
                damages.Add(new ArchiveDamage(BackupFiles.Checksums, start, [], problem));
            }
        }

        return new ChecksumReading(sums, damages);
    }

    /// <exception cref="IOException">The file does not exist or cannot be read.</exception>
    public static ChecksumReading Read(string filePath)
    {
        return TargetFile.Read(filePath, LargestSizeBytes).Content is { } content ? Parse(content)
            : new ChecksumReading(
                new Dictionary<string, string>(),
                [new ArchiveDamage(BackupFiles.Checksums, null, [], $"it is larger than {LargestSizeBytes} bytes")]);
    }

    /// <summary>The checksum of a whole file, in lower-case hexadecimal.</summary>
    public static async Task<string> ComputeAsync(string filePath, CancellationToken cancellationToken)
    {
        await using Stream stream = TargetFile.OpenStream(filePath);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken));
    }

    private static string? Add(Dictionary<string, string> sums, string line)
    {
        bool isWellFormed = line.Length > Digits + Separator.Length
            && line[..Digits].All(char.IsAsciiHexDigitLower)
            && line.AsSpan(Digits, Separator.Length).SequenceEqual(Separator);
        if (!isWellFormed)
        {
            return "a line is not a checksum, two blanks and a file name";
        }

        string name = line[(Digits + Separator.Length)..];
        return sums.TryAdd(name, line[..Digits]) ? null : $"a second line for '{name}'";
    }
}

/// <summary>The content of a checksum file.</summary>
/// <param name="Sums">Checksum by file name.</param>
/// <param name="Damages">The invalid lines.</param>
public sealed record ChecksumReading(
    IReadOnlyDictionary<string, string> Sums, IReadOnlyList<ArchiveDamage> Damages);
