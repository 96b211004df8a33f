using System.Globalization;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Shell;

namespace KvmBackup.Archiving.Codecs;

/// <summary>Gzip by a program: one process for each chunk, so that each output can be checked.</summary>
/// <param name="runner">Starts it.</param>
/// <param name="name">The program.</param>
/// <param name="package">Its package, in Debian and in Fedora.</param>
/// <param name="options">Its arguments to compress standard input to standard output.</param>
public sealed class GzipProgramCodec(
    IProcessRunner runner, string name, string package, IReadOnlyList<string> options) : ICodec
{
    private readonly ProgramCall call = new(name, options) { Timeout = TimeSpan.FromMinutes(10) };

    private readonly GzipCodec gzip = new(level: 1);

    private string Hint =>
        $"Install the package {package} (Debian: apt install {package}; Fedora: dnf install {package}), or set "
        + "'compression: gzip', which requires no program.";

    /// <summary>By the program pigz.</summary>
    /// <param name="level">1 to 9.</param>
    public static GzipProgramCodec Pigz(IProcessRunner runner, int level) =>
        new(runner, "pigz", "pigz", ["-c", "-p", "1", string.Create(CultureInfo.InvariantCulture, $"-{level}")]);

    /// <summary>By the program igzip, the fastest, with the weakest compression.</summary>
    /// <param name="level">0 to 3.</param>
    public static GzipProgramCodec Igzip(IProcessRunner runner, int level) =>
        new(runner, "igzip", "isal", ["-c", "-n", string.Create(CultureInfo.InvariantCulture, $"-{level}")]);

    /// <exception cref="ArchivingException">The program is not on this host, or does not run.</exception>
    public async Task EnsureAvailableAsync(CancellationToken cancellationToken)
    {
        try
        {
            ProgramResult result = await runner.RunAsync(new ProgramCall(name, ["--version"]), cancellationToken);
            if (!result.IsSuccess)
            {
                throw new ArchivingException(
                    $"{name} does not run on this host; it reported: {result.ErrorText.TrimEnd('.')}. {Hint}");
            }
        }
        catch (ShellException failure) when (failure.IsProgramMissing)
        {
            throw new ArchivingException($"The program {name} is not on this host. {Hint}", innerException: failure);
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>> CompressAsync(
        ReadOnlyMemory<byte> chunk, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        using MemoryStream output = GzipMember.Open(buffer[GzipMember.PlainOffset..]);
        try
        {
            ProgramResult result = await runner.FilterAsync(call, chunk, output, cancellationToken);
            if (!result.IsSuccess)
            {
                throw new ArchivingException(
                    $"'{call}' ended with exit status {result.ExitCode}; it reported: {result.ErrorText.TrimEnd('.')}. "
                    + "Run the backup again, or set 'compression: gzip', which requires no program.");
            }

            return GzipMember.Seal(buffer, (int)output.Position, chunk.Length);
        }
        catch (ShellException failure) when (failure.IsProgramMissing)
        {
            throw new ArchivingException($"The program {name} is not on this host. {Hint}", innerException: failure);
        }
        catch (Exception failure) when (failure is InvalidDataException or NotSupportedException)
        {
            // NotSupportedException: more output than the buffer holds.
            string what = failure is InvalidDataException ? failure.Message : "too much";
            throw new ArchivingException(
                $"'{call}' succeeded but printed {what}. Is this {name} correct, and is the variable PIGZ or GZIP set? "
                + "Otherwise set 'compression: gzip', which requires no program.",
                innerException: failure);
        }
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> buffer) =>
        gzip.Decompress(packed, buffer);

    public void Dispose() => gzip.Dispose();
}
