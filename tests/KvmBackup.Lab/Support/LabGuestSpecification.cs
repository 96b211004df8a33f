namespace KvmBackup.Lab.Support;

/// <summary>The specification of a lab guest.</summary>
/// <param name="Name">The domain's name, possibly with blanks and non-ASCII characters.</param>
public sealed record LabGuestSpecification(string Name)
{
    public IReadOnlyList<LabDisk> Disks { get; init; } = [new LabDisk("vda")];

    public LabAgent Agent { get; init; } = LabAgent.Ok;

    /// <summary>The continuous writes of the guest: <c>pair,log,churn</c> or some of them, or <c>none</c>.</summary>
    public string Workload { get; init; } = "pair,log";

    /// <summary>The disks of the first and the second half of the pair.</summary>
    public (string First, string Second) PairDisks { get; init; } = ("vda", "vda");

    /// <summary>The address of a network interface; null for none.</summary>
    public string? MacAddress { get; init; }

    /// <summary>
    /// Whether its definition names the files of kernel and initramfs, which are backed up then; otherwise the lab's
    /// emulator adds them.
    /// </summary>
    public bool NamesKernel { get; init; }

    public int MemoryMebibytes { get; init; } = 192;
}
