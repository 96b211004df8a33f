using System.Globalization;
using KvmBackup.Shell;

namespace KvmBackup.Archiving.Codecs;

/// <summary>Gzip by a program: one process for each chunk, so that each output can be checked.</summary>
/// <param name="shell">Starts it.</param>
/// <param name="name">The program.</param>
/// <param name="package">The package that it comes with, in Debian and in Fedora.</param>
/// <param name="options">What makes it compress its input to its output.</param>
public sealed class GzipProgramCodec(IProcessRunner shell, string name, string package, IReadOnlyList<string> options) : ICodec
{
    private readonly ProgramCall call = new(name, options) { Timeout = TimeSpan.FromMinutes(10) };

    private readonly GzipCodec gzip = new(level: 1);

    private string Hint =>
        $"Install the package {package} (Debian: apt install {package}; Fedora: dnf install {package}), or set 'compression: gzip', "
        + "which needs no program.";

    /// <summary>By the program pigz.</summary>
    /// <param name="level">1 to 9.</param>
    public static GzipProgramCodec Pigz(IProcessRunner shell, int level) =>
        new(shell, "pigz", "pigz", ["-c", "-p", "1", string.Create(CultureInfo.InvariantCulture, $"-{level}")]);

    /// <summary>By the program igzip, which is the quickest and packs least.</summary>
    /// <param name="level">0 to 3.</param>
    public static GzipProgramCodec Igzip(IProcessRunner shell, int level) =>
        new(shell, "igzip", "isal", ["-c", "-n", string.Create(CultureInfo.InvariantCulture, $"-{level}")]);

    /// <exception cref="ArchivingException">The program is not on this host, or does not run.</exception>
    public async Task EnsureAvailableAsync(CancellationToken cancellationToken)
    {
        try
        {
            ProgramResult result = await shell.RunAsync(new ProgramCall(name, ["--version"]), cancellationToken);
            if (!result.IsSuccess)
            {
                throw new ArchivingException($"{name} does not run here; it said: {result.ErrorText.TrimEnd('.')}. {Hint}");
            }
        }
        catch (ShellException failure) when (failure.IsProgramMissing)
        {
            throw new ArchivingException($"The program {name} is not on this host. {Hint}", innerException: failure);
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> room, CancellationToken cancellationToken)
    {
        using MemoryStream output = GzipMember.Open(room[GzipMember.PlainOffset..]);
        try
        {
            ProgramResult result = await shell.FilterAsync(call, chunk, output, cancellationToken);
            if (!result.IsSuccess)
            {
                throw new ArchivingException(
                    $"'{call}' ended with exit status {result.ExitCode}; it said: {result.ErrorText.TrimEnd('.')}. "
                    + "Run the backup again, or set 'compression: gzip', which needs no program.");
            }

            return GzipMember.Seal(room, (int)output.Position, chunk.Length);
        }
        catch (ShellException failure) when (failure.IsProgramMissing)
        {
            throw new ArchivingException($"The program {name} is not on this host. {Hint}", innerException: failure);
        }
        catch (Exception failure) when (failure is InvalidDataException or NotSupportedException)
        {
            // NotSupportedException: more output than any compressor makes of a chunk.
            string what = failure is InvalidDataException ? failure.Message : "too much";
            throw new ArchivingException(
                $"'{call}' ended well but printed {what}. Is this {name} sound, and is the variable PIGZ or GZIP set? "
                + "Otherwise set 'compression: gzip', which needs no program.",
                innerException: failure);
        }
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room) =>
        gzip.Decompress(packed, room);

    public void Dispose() => gzip.Dispose();
}
