namespace KvmBackup.Lab.Support;

/// <summary>A test that requires a lab; outside of one it is skipped, with the reason.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LabFactAttribute : FactAttribute
{
    public LabFactAttribute()
    {
        Skip = LabEnvironment.IsPresent ? null : LabEnvironment.AbsenceReason;

        // A hang must become a failure with the name of the test; no operation in the lab takes minutes.
        Timeout = 240_000;
    }

    /// <summary>The approximate duration of a long test: the longest tests start first.</summary>
    public int Seconds { get; set; }

    /// <summary>The test requires <see cref="LabEnvironment.RealisticDiskPath"/>; otherwise it is skipped.</summary>
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
