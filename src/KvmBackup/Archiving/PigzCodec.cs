using System.Globalization;
using KvmBackup.Model;
using KvmBackup.Shell;

namespace KvmBackup.Archiving;

/// <summary>Gzip by the program pigz: one process for each chunk, so that each output can be checked.</summary>
public sealed class PigzCodec(IShell shell, int level) : ICodec
{
    private const string Mend =
        "Install the package pigz (Debian: apt install pigz; Fedora: dnf install pigz), or set 'compression: gzip', "
        + "which needs no program.";

    private readonly ProgramCall call =
        new("pigz", ["-c", "-p", "1", string.Create(CultureInfo.InvariantCulture, $"-{level}")])
        {
            Timeout = TimeSpan.FromMinutes(10),
        };

    private readonly GzipCodec gzip = new(level);

    /// <exception cref="ArchivingException">pigz is not on this host, or does not run.</exception>
    public async Task EnsureAvailableAsync(CancellationToken cancellationToken)
    {
        try
        {
            ProgramResult result = await shell.RunAsync(new ProgramCall("pigz", ["--version"]), cancellationToken);
            if (!result.IsSuccess)
            {
                throw new ArchivingException($"pigz does not run here; it said: {result.Complaint}. {Mend}");
            }
        }
        catch (ShellException failure) when (failure.IsProgramMissing)
        {
            throw new ArchivingException($"The program pigz is not on this host. {Mend}", innerException: failure);
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
                    $"'{call}' ended with exit status {result.ExitCode}; it said: {result.Complaint}. "
                    + "Run the backup again, or set 'compression: gzip', which needs no program.");
            }

            return GzipMember.Seal(room, (int)output.Position, chunk.Length);
        }
        catch (ShellException failure) when (failure.IsProgramMissing)
        {
            throw new ArchivingException($"The program pigz is not on this host. {Mend}", innerException: failure);
        }
        catch (Exception failure) when (failure is InvalidDataException or NotSupportedException)
        {
            // NotSupportedException: more output than any compressor makes of a chunk.
            string what = failure is InvalidDataException ? failure.Message : "too much";
            throw new ArchivingException(
                $"'{call}' ended well but printed {what}. Is this pigz sound, and is the variable PIGZ or GZIP set? "
                + "Otherwise set 'compression: gzip', which needs no program.",
                innerException: failure);
        }
    }

    public ReadOnlyMemory<byte> Decompress(ReadOnlyMemory<byte> packed, Memory<byte> room) =>
        gzip.Decompress(packed, room);

    public void Dispose() => gzip.Dispose();
}
