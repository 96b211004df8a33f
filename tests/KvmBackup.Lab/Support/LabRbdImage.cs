namespace KvmBackup.Lab.Support;

/// <summary>The name of an image in the lab's Ceph cluster.</summary>
public sealed record LabRbdImage(string Image)
{
    public string Pool { get; init; } = LabCeph.Pool;

    /// <summary>libvirt supports namespaces since 11.6, so the disk of a guest cannot be in one here.</summary>
    public string? Namespace { get; init; }

    /// <summary>The name for <c>rbd</c>: <c>pool/image</c> (also for libvirt) or <c>pool/namespace/image</c>.</summary>
    public string Specification => Namespace is null ? $"{Pool}/{Image}" : $"{Pool}/{Namespace}/{Image}";

    /// <summary>The name of the image at a snapshot.</summary>
    public string At(string snapshot) => $"{Specification}@{snapshot}";

    public override string ToString() => Specification;
}
