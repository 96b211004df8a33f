namespace KvmBackup.Planning;

/// <summary>A verdict on every configured domain, in the order of the configuration.</summary>
public sealed record BackupPlan(IReadOnlyList<PlannedJob> Jobs)
{
    /// <summary>The selections of images, which come after the domains.</summary>
    public IReadOnlyList<PlannedImages> Images { get; init; } = [];

    /// <summary>Whether anything runs.</summary>
    public bool HasDue => Jobs.Any(job => job.IsDue) || Images.Any(images => images.IsDue);
}
