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
    /// <param name="client">Asks.</param>
    /// <param name="location">The image.</param>
    /// <param name="snapshot">At which it is read.</param>
    /// <param name="fromSnapshot">Since which; null for all.</param>
    /// <param name="isWholeObject">Whether whole objects are asked for; null for never, which can be asked at once.</param>
    /// <param name="cancellationToken">Ends the asking.</param>
    /// <exception cref="DisksException">It cannot be asked, or its answers contradict each other.</exception>
    public static async Task<RbdExportRequest> PrepareAsync(
        RbdClient client, RbdLocation location, string snapshot, string? fromSnapshot, Func<RbdImageFacts, bool>? isWholeObject,
        CancellationToken cancellationToken)
    {
        Task<RbdImageFacts> described = client.DescribeAsync(location, snapshot, cancellationToken);
        async Task<bool> IsWholeAsync() => isWholeObject is not null && isWholeObject(await described);
        async Task<string?> ProveAsync() =>
            await RbdObjectMap.ProveAsync(client, location, snapshot, await described, cancellationToken);
        Task<IReadOnlyList<ImageChange>> DiffAsync(bool isWhole) =>
            client.DiffAsync(location, snapshot, fromSnapshot, isWhole, cancellationToken);

        // Both ask for each object in turn, so that together they take little longer than one.
        Task<string?> proof = ProveAsync();
        bool isWhole = await IsWholeAsync();
        Task<IReadOnlyList<ImageChange>> diff = DiffAsync(isWhole);
        await Task.WhenAll(described, proof, diff);
        RbdImageFacts facts = await described;
        IReadOnlyList<ImageChange> changes = await diff;
        string? warning = await proof;
        if (warning is not null && isWhole)
        {
            isWhole = false;
            changes = await DiffAsync(isWhole);
        }

        RbdChanges.EnsureSound(changes, facts.SizeBytes, $"{location}@{snapshot}");
        return new RbdExportRequest(location, snapshot, fromSnapshot, facts.SizeBytes, isWhole, changes)
        {
            Warning = warning,
        };
    }
}
