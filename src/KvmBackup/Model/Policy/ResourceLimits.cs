namespace KvmBackup.Model.Policy;

/// <summary>How much of the host a backup may ask for while it reads and packs; what is null nobody has said.</summary>
/// <param name="BytesPerSecond">Read of the guest's disks at most; 0 is as many as there are.</param>
/// <param name="Nice">The niceness, 0 to 19; 0 is as it was started.</param>
/// <param name="Io">The place in line for the disks.</param>
public sealed record ResourceLimits(long? BytesPerSecond, int? Nice, IoPriority? Io)
{
    public static readonly ResourceLimits None = new(null, null, null);

    /// <summary>It asks for less of processor or disks than others.</summary>
    public bool IsLowered => Nice is > 0 || Io is IoPriority.BestEffort or IoPriority.Idle;

    /// <summary>The nearer limits, with what they leave open from a farther level.</summary>
    public ResourceLimits Over(ResourceLimits? farther) =>
        new(BytesPerSecond ?? farther?.BytesPerSecond, Nice ?? farther?.Nice, Io ?? farther?.Io);

    /// <summary>The same to end a sentence with; empty when nothing is limited.</summary>
    public string Clause => ToString() is { Length: > 0 } words ? $"; limits: {words}" : string.Empty;

    /// <summary>In words, as <c>at most 100 MiB/s, nice 10, ionice idle</c>; empty when nothing is limited.</summary>
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

/// <summary>How a process stands in line for a disk, where the kernel's scheduler knows such a thing.</summary>
public enum IoPriority
{
    /// <summary>As it was started.</summary>
    None,

    /// <summary>Behind everybody else of the usual class.</summary>
    BestEffort,

    /// <summary>Only when nobody else wants the disk.</summary>
    Idle,
}
