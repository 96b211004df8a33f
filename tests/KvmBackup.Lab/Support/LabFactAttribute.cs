namespace KvmBackup.Lab.Support;

/// <summary>A test that needs a lab around it; outside of one it is skipped, with the reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LabFactAttribute : FactAttribute
{
    public LabFactAttribute()
    {
        Skip = LabEnvironment.IsPresent ? null : LabEnvironment.AbsenceReason;

        // A hang must become a failure with a name, not a silent night; nothing in the lab takes minutes.
        Timeout = 240_000;
    }

    /// <summary>About how long the test takes, where that is much: the longest tests begin first.</summary>
    public int Seconds { get; set; }

    /// <summary>The test needs <see cref="LabEnvironment.RealisticDiskPath"/>; skipped where that is not.</summary>
    public bool NeedsRealisticDisk
    {
        get;
        set
        {
            field = value;
            bool isMissing = value && LabEnvironment.RealisticDiskPath is null;
            Skip ??= isMissing ? "the disk of 'lab.sh realistic' is not there" : null;
        }
    }
}
