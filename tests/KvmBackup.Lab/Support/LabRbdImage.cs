namespace KvmBackup.Lab.Support;

/// <summary>The name of an image in the lab's Ceph cluster.</summary>
public sealed record LabRbdImage(string Image)
{
    public string Pool { get; init; } = LabCeph.Pool;

    /// <summary>libvirt knows none before 11.6, so the disk of a guest cannot be in one here.</summary>
    public string? Namespace { get; init; }

    /// <summary>As <c>rbd</c> takes it: <c>pool/image</c> (libvirt too) or <c>pool/namespace/image</c>.</summary>
    public string Specification => Namespace is null ? $"{Pool}/{Image}" : $"{Pool}/{Namespace}/{Image}";

    /// <summary>The image as it was at a snapshot.</summary>
    public string At(string snapshot) => $"{Specification}@{snapshot}";

    public override string ToString() => Specification;
}
