using KvmBackup.Shell;

namespace KvmBackup.Ceph;

/// <summary>Lists the images of a pool.</summary>
public sealed class RbdPool(IProcessRunner runner)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromMinutes(2);

    /// <param name="access">The connection to the cluster.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="poolNamespace">A namespace within it; null for the default one.</param>
    /// <param name="cancellationToken">Stops the program.</param>
    /// <returns>The images, ordered by name.</returns>
    /// <exception cref="CephException">There is no such pool, or the cluster does not answer.</exception>
    public async Task<IReadOnlyList<RbdImage>> ListAsync(
        RbdAccess access, string pool, string? poolNamespace, CancellationToken cancellationToken)
    {
        // A placeholder image: messages about failures require a location.
        RbdLocation place = new(new RbdImage(pool, poolNamespace, "*"), access);
        string spec = poolNamespace is null ? pool : $"{pool}/{poolNamespace}";
        string purpose = $"Listing the images of {spec}";
        ProgramCall call = RbdCall.Build(access, AnswerLimit, "ls", "--format", "json", spec);
        try
        {
            ProgramResult result = await runner.RunAsync(call, cancellationToken);
            return !result.IsSuccess
                ? throw RbdFailure.OfPool(result, purpose, place)
                : [.. RbdJson.Names(result.StandardOutput, place).Order(StringComparer.Ordinal)
                    .Select(name => new RbdImage(pool, poolNamespace, name))];
        }
        catch (ShellException failure) when (!failure.IsProgramMissing)
        {
            throw RbdFailure.TimedOut(failure, call, purpose, place);
        }
    }
}
