namespace KvmBackup.Model;

/// <summary>An RBD image and the way to the cluster that has it.</summary>
public sealed record RbdLocation(RbdImage Image, RbdAccess Access)
{
    public override string ToString() => Image.Spec;
}
