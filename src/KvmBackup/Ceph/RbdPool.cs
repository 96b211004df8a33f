using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Asks a cluster which images a pool has.</summary>
public sealed class RbdPool(IProcessRunner shell)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(2);

    /// <param name="access">The way to the cluster.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="space">A namespace within it; null for the default one.</param>
    /// <returns>The images, by name.</returns>
    /// <exception cref="CephException">There is no such pool, or the cluster cannot be asked.</exception>
    public async Task<IReadOnlyList<RbdImage>> ListAsync(
        RbdAccess access, string pool, string? space, CancellationToken cancellationToken)
    {
        // An image that nobody asks for: failures are told of a place in a pool.
        RbdLocation place = new(new RbdImage(pool, space, "*"), access);
        string spec = space is null ? pool : $"{pool}/{space}";
        string purpose = $"Listing the images of {spec}";
        ProgramCall call = RbdCall.Build(access, AnswerLimit, "ls", "--format", "json", spec);
        try
        {
            ProgramResult result = await shell.RunAsync(call, cancellationToken);
            return !result.IsSuccess
                ? throw RbdFailure.OfPool(result, purpose, place)
                : [.. RbdJson.Names(result.StandardOutput, place).Order(StringComparer.Ordinal)
                    .Select(name => new RbdImage(pool, space, name))];
        }
        catch (ShellException failure) when (!failure.IsProgramMissing)
        {
            throw RbdFailure.Late(failure, call, purpose, place);
        }
    }
}
