using KvmBackup.Model;

namespace KvmBackup.Runs;

/// <summary>What the copy of a domain is worth.</summary>
/// <param name="Consistency">What was achieved.</param>
/// <param name="Reason">Why it is no better; null when it is the best there is.</param>
/// <param name="FrozenFor">How long the guest was frozen; null when it was not.</param>
public sealed record PinOutcome(Consistency Consistency, string? Reason, TimeSpan? FrozenFor)
{
    /// <summary>What the guest wrote to its overlays until they were released; null when it had none.</summary>
    public long? OverlayBytes { get; init; }

    /// <summary>A downgrade that nobody asked for is told.</summary>
    public IEnumerable<string> Warnings(QuiesceMode quiesce) =>
        Reason is null || quiesce == QuiesceMode.Off ? [] : [$"only crash-consistent: {Reason}"];
}
