namespace KvmBackup.Planning;

/// <summary>The formats of image files that are backed up, byte for byte, with a qcow2 overlay above.</summary>
public static class ImageFormats
{
    private static readonly string[] Supported = ["qcow2", "raw", "vmdk", "vdi", "vpc", "qed", "qcow"];

    /// <summary>The formats, for messages.</summary>
    public static string Names => $"{string.Join(", ", Supported[..^1])} and {Supported[^1]}";

    public static bool IsSupported(string format) => Supported.Contains(format);

    /// <summary>
    /// Why the image files of a disk cannot be backed up; null when they can. Only the header of a qcow2 image can be
    /// changed to a new backing file.
    /// </summary>
    /// <param name="layers">The backing chain, the active layer first.</param>
    /// <param name="isActive">The guest runs, so its overlay must be committed.</param>
    public static string? FindObstacle(IReadOnlyList<ImageLayer> layers, bool isActive) =>
        isActive && layers is [{ IsStreamOptimized: true } top, ..]
            ? $"{top.FilePath} is a vmdk of the type streamOptimized, into which QEMU cannot commit an overlay; "
                + "convert it to qcow2, or back the guest up while it is shut off"
        : layers.SkipLast(1).FirstOrDefault(layer => layer.Format != "qcow2") is { } above
            ? $"{above.FilePath} has the format {above.Format} and a backing file, which is supported for qcow2 only; "
                + "convert it to qcow2" : null;
}
