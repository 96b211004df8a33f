using System.Globalization;
using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>The calls of <c>rbd</c> for one image: its properties, snapshots and changes. Each has a time limit,
/// because a hanging cluster does not answer.</summary>
public sealed class RbdClient(IProcessRunner runner)
{
    private const int MostDiffBytes = 1 << 28;
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(2);

    // A diff queries each object, and a removal deletes each: a single request is quick, but all together may be slow.
    private static readonly TimeSpan ScanLimit = TimeSpan.FromHours(2);

    /// <summary>The release of Ceph's programs on this host; null when unknown. Does not contact a cluster.</summary>
    public async Task<Version?> ReadReleaseAsync(CancellationToken cancellationToken)
    {
        ProgramResult result = await runner.RunAsync(new ProgramCall("rbd", ["--version"]), cancellationToken);
        string[] words = result.StandardOutput.Split(' ', 4);
        return words is ["ceph", "version", { } release, ..]
            && Version.TryParse(release.Split('-')[0], out Version? version) ? version : null;
    }

    /// <summary>The properties of an image now, or at a snapshot.</summary>
    /// <exception cref="CephException">It does not exist, or the cluster does not answer.</exception>
    public async Task<RbdImageFacts> DescribeAsync(
        RbdLocation location, string? snapshot, CancellationToken cancellationToken)
    {
        ProgramResult result = await RunAsync(
            DescribeCall(location, snapshot), Purpose("Describing", location, snapshot), location, cancellationToken);
        return result.IsSuccess
            ? RbdJson.Image(result.StandardOutput, location)
            : throw RbdFailure.Of(result, Purpose("Describing", location, snapshot), location);
    }

    /// <summary>The same, or null when there is no such image or snapshot. A missing pool is a failure.</summary>
    public async Task<RbdImageFacts?> TryDescribeAsync(
        RbdLocation location, string? snapshot, CancellationToken cancellationToken)
    {
        string purpose = Purpose("Describing", location, snapshot);
        ProgramResult result = await RunAsync(DescribeCall(location, snapshot), purpose, location, cancellationToken);
        bool isMissing = result.ExitCode == 2
            && (RbdFailure.HasMessage(result, "error opening image")
                || RbdFailure.HasMessage(result, "error setting snapshot context"));
        return result.IsSuccess
            ? RbdJson.Image(result.StandardOutput, location)
            : isMissing ? null : throw RbdFailure.Of(result, purpose, location);
    }

    /// <summary>The snapshots in the user namespace, the oldest first.</summary>
    public async Task<IReadOnlyList<RbdSnapshot>> ListSnapshotsAsync(
        RbdLocation location, CancellationToken cancellationToken)
    {
        ProgramCall call = RbdCall.Build(
            location.Access, AnswerLimit, "snap", "ls", "--format", "json", location.Image.Spec);
        ProgramResult result = await RunCheckedAsync(
            call, $"Listing the snapshots of {location}", location, cancellationToken);
        return [.. RbdJson.Snapshots(result.StandardOutput, location).OrderBy(snapshot => snapshot.Id)];
    }

    public static ProgramCall CreateSnapshotCall(RbdLocation location, string name, TimeSpan limit) =>
        RbdCall.Build(location.Access, limit, "snap", "create", "--no-progress", RbdCall.At(location.Image, name));

    /// <summary>Takes a snapshot. After a timeout the cluster may still create it.</summary>
    public async Task CreateSnapshotAsync(
        RbdLocation location, string name, TimeSpan limit, CancellationToken cancellationToken) =>
        await RunCheckedAsync(
            CreateSnapshotCall(location, name, limit), $"Taking the snapshot {name} of {location}", location,
            cancellationToken);

    public static ProgramCall RemoveSnapshotCall(RbdLocation location, string name) =>
        RbdCall.Build(location.Access, ScanLimit, "snap", "rm", "--no-progress", RbdCall.At(location.Image, name));

    /// <summary>Removes a snapshot.</summary>
    /// <returns>False when it did not exist. A missing image is a failure, because it may have been renamed.</returns>
    public async Task<bool> RemoveSnapshotAsync(RbdLocation location, string name, CancellationToken cancellationToken)
    {
        string purpose = $"Removing the snapshot {name} of {location}";
        ProgramResult result = await RunAsync(RemoveSnapshotCall(location, name), purpose, location, cancellationToken);
        bool isMissing = result.ExitCode == 2 && RbdFailure.HasMessage(result, "failed to remove snapshot");
        return result.IsSuccess || (isMissing ? false : throw RbdFailure.Of(result, purpose, location));
    }

    public static ProgramCall ProtectCall(RbdLocation location, string name) =>
        RbdCall.Build(location.Access, AnswerLimit, "snap", "protect", RbdCall.At(location.Image, name));

    /// <summary>Protects a snapshot from removal; no failure when it is already protected.</summary>
    public Task ProtectAsync(RbdLocation location, string name, CancellationToken cancellationToken) => RunCheckedAsync(
        ProtectCall(location, name), $"Protecting the snapshot {name} of {location}", location, cancellationToken,
        exceptWhen: "snap is already protected");

    public static ProgramCall UnprotectCall(RbdLocation location, string name) =>
        RbdCall.Build(location.Access, AnswerLimit, "snap", "unprotect", RbdCall.At(location.Image, name));

    /// <summary>Removes the protection of a snapshot.</summary>
    /// <exception cref="CephException">It failed, for instance because the snapshot has clones.</exception>
    public Task UnprotectAsync(RbdLocation location, string name, CancellationToken cancellationToken) =>
        RunCheckedAsync(
            UnprotectCall(location, name), $"Unprotecting the snapshot {name} of {location}", location,
            cancellationToken, exceptWhen: "snap is already unprotected");

    /// <summary>The content of an image at a snapshot, or the changes since an older one: ascending, without
    /// overlaps.</summary>
    /// <param name="location">The image.</param>
    /// <param name="snapshot">The later snapshot.</param>
    /// <param name="fromSnapshot">The older one; null for the whole content.</param>
    /// <param name="isWholeObject">Whole objects instead of exact bytes: fast by the cluster's object map, and only as
    /// correct as that.</param>
    /// <param name="cancellationToken">Stops the program.</param>
    public async Task<IReadOnlyList<ImageChange>> DiffAsync(
        RbdLocation location, string snapshot, string? fromSnapshot, bool isWholeObject,
        CancellationToken cancellationToken)
    {
        string purpose = Purpose("Querying the changes of", location, snapshot);
        ProgramCall call = RbdCall.Build(
            location.Access, ScanLimit,
            ["diff", "--format", "json", .. Since(location, snapshot, fromSnapshot, isWholeObject)]);
        ReadOnlyMemory<byte> json = await CollectAsync(call, purpose, location, cancellationToken);
        IReadOnlyList<ImageChange> changes = RbdJson.Changes(json, location);
        RbdChanges.EnsureSound(changes, long.MaxValue, location.ToString());
        return changes;
    }

    /// <summary>The approximate current content in bytes, or the changes since a snapshot, in whole objects. Fast where
    /// the object map is valid: 0.15 s for 1 TiB with Ceph 16.2. <c>rbd du</c> divides the usage among the snapshots;
    /// their sum is at least this value.</summary>
    public async Task<long> QueryDataBytesAsync(
        RbdLocation location, string? fromSnapshot, CancellationToken cancellationToken)
    {
        string[] from = fromSnapshot is null
            ? [] : ["--from-snap", RbdCall.CheckedSnapshot(location.Image, fromSnapshot)];
        ProgramCall call = RbdCall.Build(
            location.Access, ScanLimit,
            ["diff", "--format", "json", "--whole-object", .. from, location.Image.Spec]);
        string purpose = Purpose("Querying the content of", location, null);
        ReadOnlyMemory<byte> json = await CollectAsync(call, purpose, location, cancellationToken);
        return RbdJson.Changes(json, location).Where(change => change.IsData).Sum(change => change.LengthBytes);
    }

    /// <summary>Compares the object map at a snapshot with the objects. The cluster marks a wrong map as invalid, at
    /// that snapshot only, and no longer uses it.</summary>
    public async Task CheckObjectMapAsync(RbdLocation location, string snapshot, CancellationToken cancellationToken) =>
        await RunCheckedAsync(
            RbdCall.Build(
                location.Access, ScanLimit, "object-map", "check", "--no-progress",
                RbdCall.At(location.Image, snapshot)),
            Purpose("Checking the object map of", location, snapshot), location, cancellationToken);

    /// <summary>Checks after a read that snapshots still exist: the read of a removed snapshot returns zeros, without
    /// an error.</summary>
    /// <param name="location">The image.</param>
    /// <param name="snapshots">Each with its ID, if another one of the same name may have replaced it.</param>
    /// <param name="cancellationToken">Stops the program.</param>
    /// <returns>All snapshots of the image.</returns>
    /// <exception cref="CephException">A snapshot does not exist any more.</exception>
    public async Task<IReadOnlyList<RbdSnapshot>> EnsureSnapshotsExistAsync(
        RbdLocation location, IReadOnlyList<(string Name, long? Id)> snapshots, CancellationToken cancellationToken)
    {
        IReadOnlyList<RbdSnapshot> found = await ListSnapshotsAsync(location, cancellationToken);
        if (snapshots.FirstOrDefault(wanted => !found.Any(other => Is(other, wanted))).Name is { } gone)
        {
            throw new CephException(
                $"The snapshot {location}@{gone} was removed while it was read, so the read data cannot be used. Which "
                + "program removes snapshots there? It must keep snapshots that are being backed up or begin with "
                + "kvmbackup. Then back up again");
        }

        static bool Is(RbdSnapshot snapshot, (string Name, long? Id) wanted) =>
            snapshot.Name == wanted.Name && (wanted.Id is null || snapshot.Id == wanted.Id);

        return found;
    }

    public static ProgramCall CreateImageCall(RbdLocation location, long sizeBytes) => RbdCall.Build(
        location.Access, AnswerLimit,
        "create", "--size", string.Create(CultureInfo.InvariantCulture, $"{sizeBytes}B"), location.Image.Spec);

    /// <summary>Creates an empty image.</summary>
    public async Task CreateImageAsync(RbdLocation location, long sizeBytes, CancellationToken cancellationToken) =>
        await RunCheckedAsync(
            CreateImageCall(location, sizeBytes), $"Creating the image {location}", location, cancellationToken);

    public static ProgramCall RemoveImageCall(RbdLocation location) =>
        RbdCall.Build(location.Access, ScanLimit, "rm", "--no-progress", location.Image.Spec);

    /// <summary>Removes an image that has no snapshots and no clients.</summary>
    public async Task RemoveImageAsync(RbdLocation location, CancellationToken cancellationToken) =>
        await RunCheckedAsync(RemoveImageCall(location), $"Removing the image {location}", location, cancellationToken);

    /// <summary>The call that applies a diff from its standard input.</summary>
    public static ProgramCall ImportCall(RbdLocation location) =>
        RbdCall.Build(location.Access, ScanLimit, "import-diff", "--no-progress", "-", location.Image.Spec);

    internal IPipedProgram OpenImport(RbdLocation location) => runner.Open(ImportCall(location));

    internal IPipedProgram OpenExport(
        RbdLocation location, string snapshot, string? fromSnapshot, bool isWholeObject) =>
        runner.Open(RbdCall.Build(
            location.Access, ScanLimit,
            ["export-diff", "--no-progress", .. Since(location, snapshot, fromSnapshot, isWholeObject), "-"]));

    private static IEnumerable<string> Since(
        RbdLocation location, string snapshot, string? fromSnapshot, bool isWholeObject) =>
    [
        .. isWholeObject ? ["--whole-object"] : Array.Empty<string>(),
        .. fromSnapshot is null
            ? Array.Empty<string>()
            : ["--from-snap", RbdCall.CheckedSnapshot(location.Image, fromSnapshot)],
        RbdCall.At(location.Image, snapshot),
    ];

    private static ProgramCall DescribeCall(RbdLocation location, string? snapshot) => RbdCall.Build(
        location.Access, AnswerLimit, "info", "--format", "json",
        snapshot is null ? location.Image.Spec : RbdCall.At(location.Image, snapshot));

    private static string Purpose(string activity, RbdLocation location, string? snapshot) =>
        snapshot is null ? $"{activity} {location}" : $"{activity} {location}@{snapshot}";

    internal async Task<ProgramResult> RunCheckedAsync(
        ProgramCall call, string purpose, RbdLocation location, CancellationToken cancellationToken,
        string? exceptWhen = null)
    {
        ProgramResult result = await RunAsync(call, purpose, location, cancellationToken);
        return result.IsSuccess || (exceptWhen is not null && RbdFailure.HasMessage(result, exceptWhen))
            ? result
            : throw RbdFailure.Of(result, purpose, location);
    }

    internal async Task<ProgramResult> RunAsync(
        ProgramCall call, string purpose, RbdLocation location, CancellationToken cancellationToken)
    {
        try
        {
            return await runner.RunAsync(call, cancellationToken);
        }
        catch (ShellException failure) when (!failure.IsProgramMissing)
        {
            throw RbdFailure.TimedOut(failure, call, purpose, location);
        }
    }

    private async Task<ReadOnlyMemory<byte>> CollectAsync(
        ProgramCall call, string purpose, RbdLocation location, CancellationToken cancellationToken)
    {
        try
        {
            await using IPipedProgram program = runner.Open(call);
            Task<ReadOnlyMemory<byte>> read = Task.Factory.StartNew(
                () => ReadToEnd(program.StandardOutput, purpose), CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default);
            ReadOnlyMemory<byte> output = await read.WaitAsync(cancellationToken);
            ProgramResult result = await program.WaitAsync(cancellationToken);
            return result.IsSuccess ? output : throw RbdFailure.Of(result, purpose, location);
        }
        catch (ShellException failure) when (!failure.IsProgramMissing)
        {
            throw RbdFailure.TimedOut(failure, call, purpose, location);
        }
    }

    private static ReadOnlyMemory<byte> ReadToEnd(Stream stream, string purpose)
    {
        MemoryStream collected = new();
        byte[] buffer = new byte[1 << 16];
        while (stream.Read(buffer) is int count and > 0)
        {
            if (collected.Length + count > MostDiffBytes)
            {
                throw new CephException(
                    $"{purpose} failed: the output of rbd is longer than {ByteSize.Format(MostDiffBytes)}.");
            }

            collected.Write(buffer, 0, count);
        }

        return collected.GetBuffer().AsMemory(0, (int)collected.Length);
    }
}
