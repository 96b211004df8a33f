using System.Text;
using KvmBackup.Hypervisor;
using KvmBackup.Runs.Archives;
using Serilog;

namespace KvmBackup.Runs.Restore;

/// <summary>Creates the networks and network filters of a backup that this host does not have.</summary>
public sealed class SavedNetworks(HostDefinitions definitions, ILogger log)
{
    private const int LargestXmlBytes = 16 << 20;

    /// <summary>The equivalent commands, for a dry run.</summary>
    public IEnumerable<string> Describe(IReadOnlyList<SavedDefinition> missing) =>
        missing.SelectMany(saved => definitions.Describe(saved.Kind, saved.Name, saved.Member));

    /// <summary>Creates them before the first disk is written, since libvirt may refuse them.</summary>
    /// <param name="open">The backup.</param>
    /// <param name="missing">Their definitions in the backup.</param>
    /// <param name="cancellationToken">Cancels between two of them.</param>
    /// <returns>Notes for the report.</returns>
    /// <exception cref="RunsException">libvirt refused one; nothing was restored.</exception>
    public async Task<IReadOnlyList<string>> CreateAsync(
        BackupReader open, IReadOnlyList<SavedDefinition> missing, CancellationToken cancellationToken)
    {
        List<string> notes = [];
        foreach (SavedDefinition saved in missing)
        {
            string xml = Encoding.UTF8.GetString(
                await open.Reader.ReadSmallAsync(open.Member(saved.Member), LargestXmlBytes, cancellationToken));
            string subject = $"{HostDefinitions.NounOf(saved.Kind)} {saved.Name}";
            try
            {
                await definitions.CreateAsync(new ReferredDefinition(saved.Kind, saved.Name, xml), cancellationToken);
            }
            catch (HypervisorException failure)
            {
                throw new RunsException(
                    $"{open.Backup.Domain}@{open.Backup.Id}: nothing was restored: {failure.Message}"
                        + (saved.Kind == RequirementKind.Network
                            ? ". To use a network of this host instead: --network "
                                + ShellWord.Quote($"{saved.Name}=NEW")
                            : string.Empty),
                    failure.ExitCode, failure);
            }

            notes.Add($"the {subject} of the backup was created on this host (--create-networks)");
            log.Information("{Domain}: the {Subject} was created", open.Backup.Domain, subject);
        }

        return notes;
    }
}
