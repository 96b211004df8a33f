using System.Collections.Concurrent;
using System.Xml;
using System.Xml.Linq;
using KvmBackup.Shell;

namespace KvmBackup.Hypervisor;

/// <summary>
/// Resolves the volumes of storage pools to files and block devices as libvirt does when a guest starts. In most pools
/// the path of a volume is that of the pool and the name of the volume, which also holds while the pool is not active
/// or the volume is deleted.
/// </summary>
public sealed class StoragePools(Virsh virsh)
{
    private readonly ConcurrentDictionary<PoolVolume, VolumePath> known = new();

    /// <summary>Adds the path of each volume to the parsed XML of a domain.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="isCurrent">Reads the pools again; otherwise paths that were found before are used.</param>
    internal async Task ResolveAsync(XElement domain, bool isCurrent, CancellationToken cancellationToken)
    {
        foreach (XElement source in VolumeXml.Sources(domain))
        {
            PoolVolume volume = VolumeXml.Find(source)!;
            VolumeXml.Resolve(
                source, !isCurrent && known.TryGetValue(volume, out VolumePath? found) ? found
                    : await FindAsync(volume, cancellationToken));
        }
    }

    /// <summary>The path of a volume on this host.</summary>
    public async Task<VolumePath> FindAsync(PoolVolume volume, CancellationToken cancellationToken)
    {
        VolumePath found = await ReadAsync(volume, cancellationToken);
        if (found.Path is not null)
        {
            known[volume] = found;
        }

        return found;
    }

    /// <summary>The call that makes libvirt read the volumes of a pool again.</summary>
    public ProgramCall RefreshCall(string pool) => virsh.Call("pool-refresh", "--pool", pool);

    /// <exception cref="HypervisorException">The pool is not active, or cannot be read.</exception>
    public async Task RefreshAsync(string pool, CancellationToken cancellationToken) =>
        await virsh.RunCheckedAsync(RefreshCall(pool), $"Refreshing the storage pool {pool}", cancellationToken);

    private async Task<VolumePath> ReadAsync(PoolVolume volume, CancellationToken cancellationToken)
    {
        if (volume.Name is "." or ".." || volume.Name.Contains('/', StringComparison.Ordinal)
            || volume.Name.Any(char.IsControl))
        {
            // libvirt finds a volume by its name only, but virsh also by its path.
            return None("which is no name of a volume");
        }

        if (volume.Mode == "direct")
        {
            return None("which libvirt attaches as a network disk (mode='direct'), which is not supported");
        }

        ProgramResult result = await virsh.RunAsync(
            virsh.Call("pool-dumpxml", "--pool", volume.Pool), cancellationToken);
        if (!result.IsSuccess)
        {
            return None($"which cannot be found: virsh reported: {result.ErrorText.TrimEnd('.')}");
        }

        XElement pool = Parse(result.StandardOutput);
        string type = pool.Attribute("type")?.Value ?? string.Empty;
        string? folder = pool.Element("target")?.Element("path")?.Value;
        return type switch
        {
            "dir" or "fs" or "netfs" or "vstorage" or "logical" when folder is ['/', ..] =>
                new VolumePath($"{folder.TrimEnd('/')}/{volume.Name}", type == "logical", null),
            "disk" or "iscsi" or "scsi" or "mpath" or "zfs" => await AskAsync(volume, cancellationToken),
            "rbd" => None(
                "a pool of the type rbd, which is not supported; use the image itself: <disk type='network'> with the "
                    + "protocol rbd"),
            _ => None($"a pool of the type {type}, which is not supported; use a file or a block device"),
        };
    }

    /// <summary>The path of a device, which does not follow from its name.</summary>
    private async Task<VolumePath> AskAsync(PoolVolume volume, CancellationToken cancellationToken)
    {
        ProgramResult result = await virsh.RunAsync(
            virsh.Call("vol-path", "--vol", volume.Name, "--pool", volume.Pool), cancellationToken);
        return result.IsSuccess && result.StandardOutput.TrimEnd('\n') is ['/', ..] path
            ? new VolumePath(path, IsBlockDevice: true, null)
            : None(
                $"which cannot be found: virsh reported: {result.ErrorText.TrimEnd('.')}; the pool must be active");
    }

    private static VolumePath None(string obstacle) => new(null, IsBlockDevice: false, obstacle);

    private static XElement Parse(string xml)
    {
        try
        {
            return BoundedXml.Parse(xml);
        }
        catch (XmlException failure)
        {
            throw new HypervisorException(
                $"The XML of a storage pool cannot be read: {failure.Message}", ExitCode.Failed, failure);
        }
    }
}
