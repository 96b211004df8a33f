using KvmBackup.Ceph;
using KvmBackup.Configuration;
using KvmBackup.Planning;

namespace KvmBackup.Runs.Clusters;

/// <summary>Finds the images of a selection in its pools.</summary>
public static class SelectedPools
{
    /// <param name="pools">Lists the images of a pool.</param>
    /// <param name="selection">The selection.</param>
    /// <param name="only">The requested images; null is all.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    /// <exception cref="CephException">A pool does not exist, or the cluster does not answer.</exception>
    public static async Task<ImageChoice> ChooseAsync(
        RbdPool pools, ImageSelection selection, IReadOnlyList<RbdImage>? only, CancellationToken cancellationToken)
    {
        RbdAccess access = ClusterAccess.Of(selection);
        List<RbdImage> images = [];
        foreach (string pool in selection.Pools)
        {
            images.AddRange(await pools.ListAsync(access, pool, selection.Namespace, cancellationToken));
        }

        return ImageChooser.Choose(selection, only, images, pool => RbdAdvice.Images(access, pool));
    }
}
