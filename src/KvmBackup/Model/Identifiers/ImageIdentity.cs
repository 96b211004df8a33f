using System.Security.Cryptography;
using System.Text;

namespace KvmBackup.Model.Identifiers;

/// <summary>The name and UUID of the backups of an RBD image without a guest.</summary>
public static class ImageIdentity
{
    // libvirt refuses a slash in a domain name, so the folders of images and domains never collide.
    private const string Prefix = "rbd:";
    private const int UuidBytes = 16;

    /// <summary>Target of the only disk.</summary>
    public static DiskTarget Disk { get; } = new("image");

    public static DomainName NameOf(RbdImage image) => new(Prefix + image.Spec);

    /// <summary>The image of the given name; null when the name is a domain's.</summary>
    public static RbdImage? Find(DomainName name)
    {
        try
        {
            return name.Value.StartsWith(Prefix, StringComparison.Ordinal)
                ? RbdImage.Parse(name.Value[Prefix.Length..]) : null;
        }
        catch (ModelException)
        {
            return null;
        }
    }

    /// <summary>
    /// A version 8 UUID (RFC 9562) of the image. Another image created under the same name has another UUID.
    /// </summary>
    /// <param name="image">The image: an ID is unique within a pool only.</param>
    /// <param name="imageId">The cluster's ID.</param>
    public static Guid UuidOf(RbdImage image, string imageId)
    {
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{Prefix}{image.Pool}/{image.Namespace}/{imageId}"));
        digest[6] = (byte)((digest[6] & 0x0F) | 0x80);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest.AsSpan(0, UuidBytes), bigEndian: true);
    }
}
