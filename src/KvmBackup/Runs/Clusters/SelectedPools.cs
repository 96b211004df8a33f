using KvmBackup.Ceph;
using KvmBackup.Configuration;

namespace KvmBackup.Runs.Clusters;

/// <summary>Lists the images in the pools of a selection.</summary>
public static class SelectedPools
{
    /// <exception cref="CephException">A pool does not exist, or the cluster does not answer.</exception>
    public static async Task<IReadOnlyList<RbdImage>> ListAsync(
        RbdPool pools, ImageSelection selection, CancellationToken cancellationToken)
    {
        RbdAccess access = ClusterAccess.Of(selection);
        List<RbdImage> images = [];
        foreach (string pool in selection.Pools)
        {
            images.AddRange(await pools.ListAsync(access, pool, selection.Namespace, cancellationToken));
        }

        return images;
    }
}
