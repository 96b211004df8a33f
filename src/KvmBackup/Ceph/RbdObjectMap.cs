namespace KvmBackup.Ceph;

/// <summary>
/// Proves the cluster's map of objects at a snapshot before anything is read by it. Every read obeys that map, those of
/// <c>rbd export</c> and of an exact <c>rbd export-diff</c> too: an object that the map has forgotten is read as zeros, and
/// nobody says a word. So no sample of reads could find it; the cluster itself compares map and objects, which takes as long
/// as an exact diff. See https://tracker.ceph.com/issues/61616.
/// </summary>
internal static class RbdObjectMap
{
    /// <returns>What was wrong and is not used any more; null when nothing was.</returns>
    /// <exception cref="CephException">It cannot be checked.</exception>
    public static async Task<string?> ProveAsync(
        RbdClient client, RbdLocation location, string snapshot, RbdImageFacts facts, CancellationToken cancellationToken)
    {
        if (!facts.IsReadByObjectMap)
        {
            return null;
        }

        await client.CheckObjectMapAsync(location, snapshot, cancellationToken);
        RbdImageFacts after = await client.DescribeAsync(location, snapshot, cancellationToken);
        return after.IsReadByObjectMap ? null
            : $"THE OBJECT MAP OF {location}@{snapshot} WAS WRONG: parts of the image would have been read as zeros. It is read without "
                + "the map now, and this backup is whole; but older backups and other copies of that image may not be: make a new full "
                + $"one. Mend the image with: rbd object-map rebuild {ShellWord.Quote(location.Image.Spec)} ; and update Ceph on this host";
    }
}
