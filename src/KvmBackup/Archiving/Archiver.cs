using KvmBackup.Archiving.Codecs;
using KvmBackup.Shell;

namespace KvmBackup.Archiving;

/// <summary>Opens archives for writing and reading, with the programs that their codecs need.</summary>
public sealed class Archiver(IProcessRunner shell)
{
    /// <exception cref="ArchivingException">This host lacks what the codec needs; names the package.</exception>
    public Task EnsureAvailableAsync(Compression compression, CancellationToken cancellationToken) =>
        CodecFactory.EnsureAvailableAsync(compression, shell, cancellationToken);

    /// <param name="destination">Takes the archive; is neither flushed nor disposed.</param>
    /// <param name="compression">Codec, level and threads.</param>
    /// <param name="modifiedAt">The time that tar shows for every member.</param>
    public ArchiveWriter CreateWriter(Stream destination, Compression compression, DateTimeOffset modifiedAt) =>
        new(destination, compression, shell, modifiedAt);
}
