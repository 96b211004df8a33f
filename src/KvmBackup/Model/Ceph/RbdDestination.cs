namespace KvmBackup.Model.Ceph;

/// <summary>Where in a cluster disks are restored to.</summary>
/// <param name="Pool">The pool.</param>
/// <param name="Namespace">Null for the pool's default namespace.</param>
/// <param name="Name">The image; null lets each disk have a name of its own.</param>
public sealed record RbdDestination(string Pool, string? Namespace, string? Name)
{
    /// <summary>What such a destination begins with where a folder could stand as well.</summary>
    public const string Prefix = "rbd:";

    /// <summary>Reads <c>rbd:POOL</c>, <c>rbd:POOL/IMAGE</c>, <c>rbd:POOL/NAMESPACE/</c> or
    /// <c>rbd:POOL/NAMESPACE/IMAGE</c>.</summary>
    /// <exception cref="ModelException">It is none of them.</exception>
    public static RbdDestination Parse(string text)
    {
        string[] parts = text.StartsWith(Prefix, StringComparison.Ordinal) ? text[Prefix.Length..].Split('/') : [];
        RbdDestination destination = parts switch
        {
            [string pool] => new(pool, null, null),
            [string pool, string name] => new(pool, null, name.Length == 0 ? null : name),
            [string pool, { Length: > 0 } space, string name] => new(pool, space, name.Length == 0 ? null : name),
            _ => throw new ModelException(
                $"'{text}' is no place in a cluster: write rbd:POOL, rbd:POOL/IMAGE, rbd:POOL/NAMESPACE/ or rbd:POOL/NAMESPACE/IMAGE."),
        };
        _ = destination.ImageOf("any");
        return destination;
    }

    /// <summary>The image for a disk.</summary>
    /// <param name="otherwise">Its name where none was given.</param>
    public RbdImage ImageOf(string otherwise) => new(Pool, Namespace, Name ?? otherwise);
}
