namespace KvmBackup.Model.Policy;

/// <summary>Limits on the host's resources while a backup reads and compresses; null is not set.</summary>
/// <param name="BytesPerSecond">Highest rate of reads from the guest's disks; 0 is unlimited.</param>
/// <param name="Nice">Niceness, 0 to 19; 0 is unchanged.</param>
/// <param name="Io">I/O priority.</param>
public sealed record ResourceLimits(long? BytesPerSecond, int? Nice, IoPriority? Io)
{
    public static readonly ResourceLimits None = new(null, null, null);

    /// <summary>Whether the priority for processor or disks is lowered.</summary>
    public bool IsLowered => Nice is > 0 || Io is IoPriority.BestEffort or IoPriority.Idle;

    /// <summary>These limits, with unset values from a more general level.</summary>
    public ResourceLimits Over(ResourceLimits? general) =>
        new(BytesPerSecond ?? general?.BytesPerSecond, Nice ?? general?.Nice, Io ?? general?.Io);

    /// <summary>The limits as the end of a sentence; empty when nothing is limited.</summary>
    public string Clause => ToString() is { Length: > 0 } words ? $"; limits: {words}" : string.Empty;

    /// <summary>The limits as text, <c>at most 100 MiB/s, nice 10, ionice idle</c>; empty when nothing is
    /// limited.</summary>
    public override string ToString()
    {
        string?[] words =
        [
            BytesPerSecond is > 0 and { } rate ? $"at most {ByteSize.Format(rate)}/s" : null,
            Nice is > 0 ? $"nice {Nice}" : null,
            Io switch { IoPriority.Idle => "ionice idle", IoPriority.BestEffort => "ionice best-effort", _ => null },
        ];
        return string.Join(", ", words.OfType<string>());
    }
}

/// <summary>The I/O priority of a process, for schedulers that support it.</summary>
public enum IoPriority
{
    /// <summary>Unchanged.</summary>
    None,

    /// <summary>The lowest priority of the usual class.</summary>
    BestEffort,

    /// <summary>Access only while no other process uses the disk.</summary>
    Idle,
}
