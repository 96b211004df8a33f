namespace KvmBackup.Model;

/// <summary>The name of an RBD image: pool, perhaps a namespace within it, image.</summary>
/// <param name="Pool">Does not begin with a minus, for it begins the word that <c>rbd</c> gets.</param>
/// <param name="Namespace">Null, or empty, for the pool's default namespace.</param>
/// <param name="Name">The image within.</param>
/// <exception cref="ModelException">A part is empty or holds what separates the parts.</exception>
public sealed record RbdImage(string Pool, string? Namespace, string Name)
{
    public string Pool { get; } = Pool.StartsWith('-') ? throw Unfit("pool", Pool) : Checked("pool", Pool);

    public string? Namespace { get; } = string.IsNullOrEmpty(Namespace) ? null : Checked("namespace", Namespace);

    public string Name { get; } = Checked("image", Name);

    /// <summary>As <c>rbd</c> and libvirt write it: <c>pool/image</c>, <c>pool/namespace/image</c>.</summary>
    public string Spec => Namespace is null ? $"{Pool}/{Name}" : $"{Pool}/{Namespace}/{Name}";

    /// <summary>Reads <c>pool/image</c> or <c>pool/namespace/image</c>.</summary>
    /// <exception cref="ModelException">It is neither.</exception>
    public static RbdImage Parse(string spec) => spec.Split('/') switch
    {
        [string pool, string name] => new(pool, null, name),
        [string pool, { Length: > 0 } space, string name] => new(pool, space, name),
        _ => throw new ModelException($"'{spec}' is no RBD image: write POOL/IMAGE or POOL/NAMESPACE/IMAGE."),
    };

    public override string ToString() => Spec;

    private static string Checked(string part, string value) =>
        string.IsNullOrEmpty(value) || value.Any(one => one is '/' or '@' || char.IsControl(one))
            ? throw Unfit(part, value)
            : value;

    private static ModelException Unfit(string part, string value) => new(
        $"'{value}' cannot be the {part} of an RBD image: it must not be empty, nor hold '/', '@' or control characters, "
        + "nor may a pool begin with '-'.");
}
