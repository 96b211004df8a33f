using System.Security.Cryptography;
using System.Text;

namespace KvmBackup.Model.Identifiers;

/// <summary>The name and the UUID under which the backups of an RBD image lie that is backed up without a guest.</summary>
public static class ImageIdentity
{
    // libvirt lets no domain have a slash in its name, so the folders of images and domains never meet.
    private const string Prefix = "rbd:";
    private const int UuidBytes = 16;

    /// <summary>What its only disk is called.</summary>
    public static DiskTarget Disk { get; } = new("image");

    public static DomainName NameOf(RbdImage image) => new(Prefix + image.Spec);

    /// <summary>The image whose backups lie under that name; null when it is a domain's.</summary>
    public static RbdImage? Find(DomainName name)
    {
        try
        {
            return name.Value.StartsWith(Prefix, StringComparison.Ordinal) ? RbdImage.Parse(name.Value[Prefix.Length..]) : null;
        }
        catch (ModelException)
        {
            return null;
        }
    }

    /// <summary>Who it is: another image that is made under the same name has another. A version 8 UUID (RFC 9562).</summary>
    /// <param name="image">The image: an ID is unique within a pool only.</param>
    /// <param name="imageId">The cluster's.</param>
    public static Guid UuidOf(RbdImage image, string imageId)
    {
        byte[] digest = SHA256.HashData(Encoding.UTF8.GetBytes($"{Prefix}{image.Pool}/{image.Namespace}/{imageId}"));
        digest[6] = (byte)((digest[6] & 0x0F) | 0x80);
        digest[8] = (byte)((digest[8] & 0x3F) | 0x80);
        return new Guid(digest.AsSpan(0, UuidBytes), bigEndian: true);
    }
}
