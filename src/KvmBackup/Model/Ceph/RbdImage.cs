namespace KvmBackup.Model.Ceph;

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

/// <summary>An RBD image and the way to the cluster that has it.</summary>
public sealed record RbdLocation(RbdImage Image, RbdAccess Access)
{
    /// <summary>For a command that a person types: a key that libvirt told is in a file that is gone by then, so that the way
    /// of this host's Ceph programs is the better one.</summary>
    public RbdLocation ForPeople => Access.KeyFilePath is null ? this : this with { Access = RbdAccess.Default };

    public override string ToString() => Image.Spec;
}

/// <summary>The image behind a disk, as the domain's XML names it, or the device that it names.</summary>
/// <param name="Image">The image.</param>
/// <param name="Monitors">Addresses with ports; may be empty.</param>
/// <param name="User">Without <c>client.</c>; null for none.</param>
/// <param name="Secret">libvirt's secret that holds the user's key; null for none.</param>
public sealed record RbdSource(RbdImage Image, IReadOnlyList<string> Monitors, string? User, Guid? Secret)
{
    /// <summary>The ID of the image that this host's kernel has mapped for the disk; null when it has mapped none.</summary>
    public string? MappedId { get; init; }
}

/// <summary>An RBD image, now or at a snapshot, as the cluster describes it.</summary>
/// <param name="Id">Who it is: another image under the same name has another one.</param>
/// <param name="SizeBytes">What a guest sees.</param>
/// <param name="ObjectSizeBytes">The size of the pieces in which the cluster keeps it.</param>
/// <param name="HasFastDiff">The cluster keeps a map of the objects that changed.</param>
/// <param name="IsFastDiffValid">And that map, and the one of objects, can be trusted.</param>
/// <param name="Parent">The image that it is a clone of.</param>
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
    /// <summary>Reads go by a map of the objects that there are: what the map has forgotten is read as zeros.</summary>
    public bool IsReadByObjectMap { get; init; }
}

/// <summary>A snapshot of an RBD image, as the cluster lists it.</summary>
/// <param name="Id">Ascending in the order in which they were made.</param>
/// <param name="Name">Unique within the image.</param>
/// <param name="SizeBytes">The size of the image then.</param>
/// <param name="IsProtected">It cannot be removed until somebody unprotects it.</param>
public sealed record RbdSnapshot(long Id, string Name, long SizeBytes, bool IsProtected);

/// <summary>A run of bytes of an image that is not what it was before, or, for a whole image, that it holds.</summary>
/// <param name="OffsetBytes">From the start of the image.</param>
/// <param name="LengthBytes">Greater than zero.</param>
/// <param name="IsData">There are data now; otherwise it was discarded and reads as zeros.</param>
public readonly record struct ImageChange(long OffsetBytes, long LengthBytes, bool IsData)
{
    public long EndBytes => OffsetBytes + LengthBytes;
}
