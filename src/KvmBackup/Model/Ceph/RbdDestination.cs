namespace KvmBackup.Model.Ceph;

/// <summary>The destination of restored disks in a cluster.</summary>
/// <param name="Pool">The pool.</param>
/// <param name="Namespace">Null for the pool's default namespace.</param>
/// <param name="Name">The image; null gives each disk a name of its own.</param>
public sealed record RbdDestination(string Pool, string? Namespace, string? Name)
{
    /// <summary>The prefix that distinguishes such a destination from a folder.</summary>
    public const string Prefix = "rbd:";

    /// <summary>
    /// Reads <c>rbd:POOL</c>, <c>rbd:POOL/IMAGE</c>, <c>rbd:POOL/NAMESPACE/</c> or <c>rbd:POOL/NAMESPACE/IMAGE</c>.
    /// </summary>
    /// <exception cref="ModelException">The text has none of these forms.</exception>
    public static RbdDestination Parse(string text)
    {
        string[] parts = text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..].Split('/') : [];
        RbdDestination destination = parts switch
        {
            [string pool] => new(pool, null, null),
            [string pool, string name] => new(pool, null, name.Length == 0 ? null : name),
            [string pool, { Length: > 0 } space, string name] => new(pool, space, name.Length == 0 ? null : name),
            _ => throw new ModelException(
                $"'{text}' is not a destination in a cluster: give rbd:POOL, rbd:POOL/IMAGE, rbd:POOL/NAMESPACE/ or "
                + "rbd:POOL/NAMESPACE/IMAGE."),
        };
        _ = destination.ImageOf("any");
        return destination;
    }

    /// <summary>The image for a disk.</summary>
    /// <param name="defaultName">The image name when the destination has none.</param>
    public RbdImage ImageOf(string defaultName) => new(Pool, Namespace, Name ?? defaultName);
}
