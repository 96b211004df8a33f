namespace KvmBackup.Hypervisor;

/// <summary>Where a disk stands according to one flavour of the XML.</summary>
/// <param name="SourcePath">The file or device that takes the guest's writes.</param>
/// <param name="BlockJob">The block job that runs on it: <c>active-commit</c>, <c>copy</c>; null for none.</param>
/// <param name="IsReady">The job has copied all and waits for the pivot.</param>
public sealed record DiskState(string? SourcePath, string? BlockJob, bool IsReady)
{
    /// <summary>The definition has no such disk.</summary>
    public bool IsMissing { get; init; }

    /// <summary>The format of <see cref="SourcePath"/>.</summary>
    public string Format { get; init; } = "raw";

    /// <summary>The files below it, the nearest first, as far as the XML names them.</summary>
    public IReadOnlyList<string> Backing { get; init; } = [];
}
