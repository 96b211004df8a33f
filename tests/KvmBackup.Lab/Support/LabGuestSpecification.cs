namespace KvmBackup.Lab.Support;

/// <summary>A lab guest, as a wish.</summary>
/// <param name="Name">The domain's name: blanks and non-ASCII are welcome.</param>
public sealed record LabGuestSpecification(string Name)
{
    public IReadOnlyList<LabDisk> Disks { get; init; } = [new LabDisk("vda")];

    public LabAgent Agent { get; init; } = LabAgent.Ok;

    /// <summary>What the guest writes all the time: <c>pair,log,churn</c> or some of them, or <c>none</c>.</summary>
    public string Workload { get; init; } = "pair,log";

    /// <summary>The disks that hold the first and the second half of the pair.</summary>
    public (string First, string Second) PairDisks { get; init; } = ("vda", "vda");

    /// <summary>The address of a network interface; the guest has none without it.</summary>
    public string? MacAddress { get; init; }

    public int MemoryMebibytes { get; init; } = 192;
}
