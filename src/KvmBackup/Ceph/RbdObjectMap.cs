namespace KvmBackup.Ceph;

/// <summary>
/// Checks the object map of a snapshot before the image is read. Every read uses that map, also those of <c>rbd
/// export</c> and of an exact <c>rbd export-diff</c>: an object that is missing in the map is read as zeros, without an
/// error. So reads cannot detect it; the cluster compares map and objects, which takes as long as an exact diff. See
/// https://tracker.ceph.com/issues/61616.
/// </summary>
internal static class RbdObjectMap
{
    /// <returns>A warning when the map was wrong and is no longer used; else null.</returns>
    /// <exception cref="CephException">It cannot be checked.</exception>
    public static async Task<string?> CheckAsync(
        RbdClient client, RbdLocation location, string snapshot, RbdImageFacts facts,
        CancellationToken cancellationToken)
    {
        if (!facts.IsReadByObjectMap)
        {
            return null;
        }

        await client.CheckObjectMapAsync(location, snapshot, cancellationToken);
        RbdImageFacts after = await client.DescribeAsync(location, snapshot, cancellationToken);
        return after.IsReadByObjectMap ? null
            : $"THE OBJECT MAP OF {location}@{snapshot} WAS WRONG: parts of the image would have been read as zeros. "
                + "This backup was read without the map and is complete; but older backups and other copies of that "
                + "image may not be: make a new full one. Repair the image with: "
                + $"{RbdAdvice.RebuildObjectMap(location)} ; and update Ceph on this host";
    }
}
