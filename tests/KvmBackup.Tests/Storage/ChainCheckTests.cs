using KvmBackup.Storage;
using KvmBackup.Tests.Planning;

namespace KvmBackup.Tests.Storage;

public sealed class ChainCheckTests
{
    [Fact]
    public void An_increment_of_a_missing_backup_is_not_usable()
    {
        CompletedBackup[] found = [
            ChainSamples.Backup(4, 3), ChainSamples.Backup(3, 2), ChainSamples.Backup(1), ChainSamples.Backup(5)];

        (IReadOnlyList<CompletedBackup> whole, IReadOnlyList<UnusableEntry> broken) = ChainCheck.Split(found);

        Assert.Equal([ChainSamples.Id(1), ChainSamples.Id(5)], whole.Select(backup => backup.Id));
        Assert.Equal([found[1], found[0]], broken.Select(entry => entry.DamagedBackup));
        Assert.All(broken, entry => Assert.Equal(UnusableCause.Damaged, entry.Cause));
        Assert.Contains(
            "disk vdb holds only the changes since 20261102T020000Z", broken[0].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_chain_with_all_links_is_complete_and_one_of_another_image_is_not()
    {
        CompletedBackup[] chain = [ChainSamples.Backup(3, 2), ChainSamples.Backup(2, 1), ChainSamples.Backup(1)];

        Assert.Empty(ChainCheck.Split(chain).Broken);
        Assert.Equal(2, ChainCheck.Split([chain[0], chain[1], ChainSamples.Backup(1, imageId: "other")]).Broken.Count);
    }
}
