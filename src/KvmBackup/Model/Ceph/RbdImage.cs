namespace KvmBackup.Model.Ceph;

/// <summary>The name of an RBD image: pool, optional namespace, image.</summary>
/// <param name="Pool">Must not begin with a minus, because it begins an argument of <c>rbd</c>.</param>
/// <param name="Namespace">Null or empty for the pool's default namespace.</param>
/// <param name="Name">The image.</param>
/// <exception cref="ModelException">A part is empty or contains a separator.</exception>
public sealed record RbdImage(string Pool, string? Namespace, string Name)
{
    public string Pool { get; } = Pool.StartsWith('-') ? throw Invalid("pool", Pool) : Checked("pool", Pool);

    public string? Namespace { get; } = string.IsNullOrEmpty(Namespace) ? null : Checked("namespace", Namespace);

    public string Name { get; } = Checked("image", Name);

    /// <summary>The name in the syntax of <c>rbd</c> and libvirt: <c>pool/image</c>,
    /// <c>pool/namespace/image</c>.</summary>
    public string Spec => Namespace is null ? $"{Pool}/{Name}" : $"{Pool}/{Namespace}/{Name}";

    /// <summary>Reads <c>pool/image</c> or <c>pool/namespace/image</c>.</summary>
    /// <exception cref="ModelException">The text has neither form.</exception>
    public static RbdImage Parse(string spec) => spec.Split('/') switch
    {
        [string pool, string name] => new(pool, null, name),
        [string pool, { Length: > 0 } space, string name] => new(pool, space, name),
        _ => throw new ModelException($"'{spec}' is not an RBD image: give POOL/IMAGE or POOL/NAMESPACE/IMAGE."),
    };

    public override string ToString() => Spec;

    private static string Checked(string part, string value) =>
    string.IsNullOrEmpty(value) || value.Any(character => character is '/' or '@' || char.IsControl(character))
        ? throw Invalid(part, value)
        : value;

    private static ModelException Invalid(string part, string value) => new(
        $"'{value}' cannot be the {part} of an RBD image: it must not be empty or contain '/', '@' or control "
            + $"characters, "
        + "and a pool must not begin with '-'.");
}

/// <summary>An RBD image and the access to its cluster.</summary>
public sealed record RbdLocation(RbdImage Image, RbdAccess Access)
{
    /// <summary>
    /// The location for a command in a message. The key file from libvirt's secret is temporary, so the command uses
    /// the
    /// configuration of this host instead.
    /// </summary>
    public RbdLocation ForMessages => Access.KeyFilePath is null ? this : this with { Access = RbdAccess.Default };

    public override string ToString() => Image.Spec;
}

/// <summary>The image of a disk, as named by the domain's XML directly or as a mapped device.</summary>
/// <param name="Image">The image.</param>
/// <param name="Monitors">Addresses with ports; may be empty.</param>
/// <param name="User">User without the prefix <c>client.</c>; null for none.</param>
/// <param name="Secret">UUID of libvirt's secret with the user's key; null for none.</param>
public sealed record RbdSource(RbdImage Image, IReadOnlyList<string> Monitors, string? User, Guid? Secret)
{
    /// <summary>ID of the image that this host's kernel has mapped for the disk; null when none is mapped.</summary>
    public string? MappedId { get; init; }
}

/// <summary>An RBD image, now or at a snapshot, as described by the cluster.</summary>
/// <param name="Id">The cluster's ID: another image of the same name has another ID.</param>
/// <param name="SizeBytes">Size that a guest sees.</param>
/// <param name="ObjectSizeBytes">Size of the objects that hold the image.</param>
/// <param name="HasFastDiff">The cluster keeps a map of changed objects.</param>
/// <param name="IsFastDiffValid">The cluster marks that map and the object map as valid.</param>
/// <param name="Parent">The image of which it is a clone.</param>
/// <param name="ParentSnapshot">The snapshot of the parent.</param>
public sealed record RbdImageFacts(
    string Id,
    long SizeBytes,
    long ObjectSizeBytes,
    bool HasFastDiff,
    bool IsFastDiffValid,
    RbdImage? Parent,
    string? ParentSnapshot)
{
    /// <summary>Reads use the object map: objects missing from the map are read as zeros.</summary>
    public bool IsReadByObjectMap { get; init; }
}

/// <summary>A snapshot of an RBD image, as listed by the cluster.</summary>
/// <param name="Id">Ascending in the order of creation.</param>
/// <param name="Name">Unique within the image.</param>
/// <param name="SizeBytes">Size of the image at the snapshot.</param>
/// <param name="IsProtected">It cannot be removed until it is unprotected.</param>
public sealed record RbdSnapshot(long Id, string Name, long SizeBytes, bool IsProtected);

/// <summary>A changed run of bytes of an image; for a whole image, a run that holds data.</summary>
/// <param name="OffsetBytes">From the start of the image.</param>
/// <param name="LengthBytes">Greater than zero.</param>
/// <param name="IsData">The run holds data; otherwise it was discarded and reads as zeros.</param>
public readonly record struct ImageChange(long OffsetBytes, long LengthBytes, bool IsData)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
