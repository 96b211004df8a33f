using KvmBackup.Model;

namespace KvmBackup.Planning;

/// <summary>Tells the form of a disk of a backup.</summary>
public static class DiskForms
{
    public static DiskForm Of(ManifestDisk disk) => disk switch
    {
        { Image: not null } => DiskForm.Chain,
        { Layers: [{ Format: "raw" }] } => DiskForm.Raw,
        _ => DiskForm.Qcow2,
    };
}
