using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Images as a whole: who has one open, another name for one, and one less.</summary>
public sealed class RbdImageStore(RbdClient client)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(2);

    /// <summary>The addresses of the clients that have the image open.</summary>
    public async Task<IReadOnlyList<string>> ListWatchersAsync(RbdLocation location, CancellationToken cancellationToken)
    {
        ProgramCall call = RbdCall.Build(location.Access, AnswerLimit, "status", "--format", "json", location.Image.Spec);
        ProgramResult result = await client.MustAsync(
            call, $"Asking who has {location} open", location, cancellationToken);
        return RbdJson.Watchers(result.StandardOutput, location);
    }

    public static ProgramCall RenameCall(RbdLocation location, RbdImage newName) => RbdCall.Build(
        location.Access, AnswerLimit, "rename", location.Image.Spec, newName.Spec);

    /// <summary>Gives an image another name in its pool and namespace.</summary>
    /// <exception cref="CephException">One of that name exists, for instance; nothing has changed then.</exception>
    public Task RenameAsync(RbdLocation location, RbdImage newName, CancellationToken cancellationToken) => client.MustAsync(
        RenameCall(location, newName), $"Renaming {location} to {newName}", location, cancellationToken);

    /// <summary>Removes an image.</summary>
    /// <returns>False when a client has it open, which is so for half a minute after one was killed.</returns>
    /// <exception cref="CephException">It has snapshots, for instance.</exception>
    public async Task<bool> TryRemoveAsync(RbdLocation location, CancellationToken cancellationToken)
    {
        string purpose = $"Removing the image {location}";
        ProgramResult result = await client.RunAsync(RbdClient.RemoveImageCall(location), purpose, location, cancellationToken);
        bool isInUse = result.ExitCode == 16 && RbdFailure.Says(result, "image still has watchers");
        return result.IsSuccess || (isInUse ? false : throw RbdFailure.Of(result, purpose, location));
    }
}
