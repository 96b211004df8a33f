namespace KvmBackup.Model;

/// <summary>An image in a Ceph cluster. Its parts become arguments of programs and parts of names, so they are checked.</summary>
public sealed record RbdImage
{
    private const int LongestPart = 255;

    /// <exception cref="ModelException">A part cannot be the name of a pool, a namespace or an image.</exception>
    public RbdImage(string pool, string? ns, string name)
    {
        if (!IsPart(pool) || (ns is not null && !IsPart(ns)) || !IsPart(name))
        {
            throw new ModelException($"'{pool}/{(ns is null ? string.Empty : ns + "/")}{name}' is not the name of an RBD image.");
        }

        Pool = pool;
        Namespace = ns;
        Name = name;
    }

    public string Pool { get; }

    /// <summary>Null is the pool's own, nameless one.</summary>
    public string? Namespace { get; }

    public string Name { get; }

    /// <summary>As rbd and libvirt write it: <c>pool/image</c> or <c>pool/namespace/image</c>.</summary>
    public string Spec => Namespace is null ? $"{Pool}/{Name}" : $"{Pool}/{Namespace}/{Name}";

    /// <summary>Reads a <see cref="Spec"/>.</summary>
    /// <exception cref="ModelException">It is none.</exception>
    public static RbdImage Parse(string spec) => spec.Split('/') switch
    {
        [var pool, var name] => new RbdImage(pool, null, name),
        [var pool, var ns, var name] => new RbdImage(pool, ns, name),
        _ => throw new ModelException($"'{spec}' is not the name of an RBD image: it is pool/image or pool/namespace/image."),
    };

    public override string ToString() => Spec;

    // A leading dash would be an option; the rest are the separators of rbd's own names.
    private static bool IsPart(string part) =>
        part.Length is > 0 and <= LongestPart && part[0] != '-' && !part.Any(sign => char.IsControl(sign) || sign is '/' or '@' or '#');
}
