namespace KvmBackup.Model;

/// <summary>An RBD image and the way to the cluster that has it.</summary>
public sealed record RbdLocation(RbdImage Image, RbdAccess Access)
{
    /// <summary>For a command that a person types: a key that libvirt told is in a file that is gone by then, so that the way
    /// of this host's Ceph programs is the better one.</summary>
    public RbdLocation ForPeople => Access.KeyFilePath is null ? this : this with { Access = RbdAccess.Default };

    public override string ToString() => Image.Spec;
}
