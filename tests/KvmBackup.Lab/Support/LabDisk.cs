namespace KvmBackup.Lab.Support;

/// <summary>One disk of a lab guest, as a wish: what it is and what it starts with.</summary>
/// <param name="Target">The libvirt target: <c>vda</c>, <c>sda</c> for a cdrom, <c>fda</c> for a floppy.</param>
public sealed record LabDisk(string Target)
{
    /// <summary><c>qcow2</c> or <c>raw</c>.</summary>
    public string Format { get; init; } = "qcow2";

    public long SizeBytes { get; init; } = 64 << 20;

    /// <summary><c>disk</c>, <c>cdrom</c> or <c>floppy</c>.</summary>
    public string Device { get; init; } = "disk";

    public bool IsReadOnly { get; init; }

    public bool IsShareable { get; init; }

    /// <summary>What QEMU does when a write fails: <c>stop</c> pauses the guest; the default tells it, but for want of room.</summary>
    public string? ErrorPolicy { get; init; }

    /// <summary>A cdrom or floppy drive with nothing in it.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>An image to stack this disk on (a linked clone's template), with its format.</summary>
    public string? BackingPath { get; init; }

    public string BackingFormat { get; init; } = "qcow2";

    /// <summary>An image that is there already, used as it is and where it is.</summary>
    public string? ExistingPath { get; init; }

    /// <summary>The disk is this image in the lab's Ceph cluster; <see cref="Format"/> says nothing then.</summary>
    public LabRbdImage? Rbd { get; init; }

    /// <summary>The guest has the image by the kernel's driver, which must have mapped it when the guest starts.</summary>
    public bool IsMapped { get; init; }

    /// <summary>Put into the new file system; without it the file system is empty.</summary>
    public string? ContentDirectory { get; init; }
}
