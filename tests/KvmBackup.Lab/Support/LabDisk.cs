namespace KvmBackup.Lab.Support;

/// <summary>The specification of one disk of a lab guest: its type and initial content.</summary>
/// <param name="Target">The libvirt target: <c>vda</c>, <c>sda</c> for a cdrom, <c>fda</c> for a floppy.</param>
public sealed record LabDisk(string Target)
{
    /// <summary><c>qcow2</c>, <c>raw</c> or another format that QEMU writes.</summary>
    public string Format { get; init; } = "qcow2";

    public long SizeBytes { get; init; } = 64 << 20;

    /// <summary><c>disk</c>, <c>cdrom</c> or <c>floppy</c>.</summary>
    public string Device { get; init; } = "disk";

    public bool IsReadOnly { get; init; }

    public bool IsShareable { get; init; }

    /// <summary>QEMU's reaction to a failed write: <c>stop</c> pauses the guest; by default the guest gets the error,
    /// except for lack of space.</summary>
    public string? ErrorPolicy { get; init; }

    /// <summary>An empty cdrom or floppy drive.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>The backing image of this disk (a linked clone's template), with its format.</summary>
    public string? BackingPath { get; init; }

    public string BackingFormat { get; init; } = "qcow2";

    /// <summary>An existing image, used in place.</summary>
    public string? ExistingPath { get; init; }

    /// <summary>The storage pool that has the image as a volume; null for a disk with a path.</summary>
    public string? Pool { get; init; }

    /// <summary>The disk is this image in the lab's Ceph cluster; <see cref="Format"/> is then ignored.</summary>
    public LabRbdImage? Rbd { get; init; }

    /// <summary>The guest uses the image through the kernel's driver, which must have mapped it before the
    /// start.</summary>
    public bool IsMapped { get; init; }

    /// <summary>The content of the new file system; null for an empty one.</summary>
    public string? ContentDirectory { get; init; }
}
