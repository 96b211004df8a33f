using KvmBackup.Model;
using KvmBackup.Shell;

namespace KvmBackup.Disks;

/// <summary>What is to be exported, and what is known of it beforehand.</summary>
/// <param name="Location">The image.</param>
/// <param name="Snapshot">At which it is read.</param>
/// <param name="FromSnapshot">Since which; null for all.</param>
/// <param name="SizeBytes">The size of the image at the snapshot.</param>
/// <param name="IsWholeObject">As the changes were asked for.</param>
/// <param name="Changes">What <c>rbd diff</c> told.</param>
internal sealed record RbdExportRequest(
    RbdLocation Location,
    string Snapshot,
    string? FromSnapshot,
    long SizeBytes,
    bool IsWholeObject,
    IReadOnlyList<ImageChange> Changes)
{
    /// <summary>What an operator must know of the image.</summary>
    public string? Warning { get; init; }

    public string Name => $"{Location}@{Snapshot}";

    public string Purpose => $"Reading {Name}";

    public IPipedProgram Open(RbdClient client) => client.OpenExport(Location, Snapshot, FromSnapshot, IsWholeObject);

    public DisksException Late(ShellException failure) =>
        new($"{Purpose} failed: {failure.Message} Does the cluster hang? ceph health detail", ExitCode.Failed, failure);

    /// <summary>Asks the cluster for the size and the changes.</summary>
    /// <exception cref="DisksException">It cannot be asked, or its answers contradict each other.</exception>
    public static async Task<RbdExportRequest> PrepareAsync(
        RbdClient client, RbdLocation location, string snapshot, string? fromSnapshot, Func<RbdImageFacts, bool> isWholeObject,
        CancellationToken cancellationToken)
    {
        RbdImageFacts facts = await client.DescribeAsync(location, snapshot, cancellationToken);
        bool isWhole = isWholeObject(facts);

        // Both ask for each object in turn, so that together they take little longer than one.
        Task<string?> proof = RbdObjectMap.ProveAsync(client, location, snapshot, facts, cancellationToken);
        Task<IReadOnlyList<ImageChange>> diff = client.DiffAsync(location, snapshot, fromSnapshot, isWhole, cancellationToken);
        await Task.WhenAll(proof, diff);
        IReadOnlyList<ImageChange> changes = await diff;
        string? warning = await proof;
        if (warning is not null && isWhole)
        {
            isWhole = false;
            changes = await client.DiffAsync(location, snapshot, fromSnapshot, isWhole, cancellationToken);
        }

        RbdChanges.EnsureSound(changes, facts.SizeBytes, $"{location}@{snapshot}");
        return new RbdExportRequest(location, snapshot, fromSnapshot, facts.SizeBytes, isWhole, changes)
        {
            Warning = warning,
        };
    }
}
