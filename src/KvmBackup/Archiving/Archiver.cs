using KvmBackup.Archiving.Codecs;
using KvmBackup.Archiving.Primitives;
using KvmBackup.Shell;

namespace KvmBackup.Archiving;

/// <summary>Creates archive writers, with the programs that their codecs require.</summary>
public sealed class Archiver(IProcessRunner runner)
{
    /// <exception cref="ArchivingException">A program or library of the codec is missing; the message names the
    /// package.</exception>
    public Task EnsureAvailableAsync(Compression compression, CancellationToken cancellationToken) =>
        CodecFactory.EnsureAvailableAsync(compression, runner, cancellationToken);

    /// <param name="destination">Receives the archive; is neither flushed nor disposed.</param>
    /// <param name="compression">Codec, level and threads.</param>
    /// <param name="modifiedAt">The modification time of every member.</param>
    public ArchiveWriter CreateWriter(Stream destination, Compression compression, DateTimeOffset modifiedAt) =>
        new(destination, compression, runner, modifiedAt);
}
