using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Lists the clients of an image, renames it and removes it.</summary>
public sealed class RbdImageStore(RbdClient client)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(2);

    /// <summary>The addresses of the clients that have the image open.</summary>
    public async Task<IReadOnlyList<string>> ListWatchersAsync(
        RbdLocation location, CancellationToken cancellationToken)
    {
        ProgramCall call = RbdCall.Build(
            location.Access, AnswerLimit, "status", "--format", "json", location.Image.Spec);
        ProgramResult result = await client.RunCheckedAsync(
            call, $"Listing the clients of {location}", location, cancellationToken);
        return RbdJson.Watchers(result.StandardOutput, location);
    }

    public static ProgramCall RenameCall(RbdLocation location, RbdImage newName) => RbdCall.Build(
        location.Access, AnswerLimit, "rename", location.Image.Spec, newName.Spec);

    /// <summary>Renames an image within its pool and namespace.</summary>
    /// <exception cref="CephException">It failed, for instance because the name exists; nothing has
    /// changed.</exception>
    public Task RenameAsync(RbdLocation location, RbdImage newName, CancellationToken cancellationToken) =>
        client.RunCheckedAsync(
            RenameCall(location, newName), $"Renaming {location} to {newName}", location, cancellationToken);

    /// <summary>Removes an image.</summary>
    /// <returns>False when a client has it open; a killed client counts for half a minute.</returns>
    /// <exception cref="CephException">It failed, for instance because the image has snapshots.</exception>
    public async Task<bool> TryRemoveAsync(RbdLocation location, CancellationToken cancellationToken)
    {
        string purpose = $"Removing the image {location}";
        ProgramCall call = RbdClient.RemoveImageCall(location);
        ProgramResult result = await client.RunAsync(call, purpose, location, cancellationToken);
        bool isInUse = result.ExitCode == 16 && RbdFailure.HasMessage(result, "image still has watchers");
        return result.IsSuccess || (isInUse ? false : throw RbdFailure.Of(result, purpose, location));
    }
}
