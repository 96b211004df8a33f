namespace KvmBackup.Lab.Support;

/// <summary>A storage pool of libvirt over the folder of a guest.</summary>
public sealed class LabPool : IAsyncDisposable
{
    private LabPool(string name) => Name = name;

    public string Name { get; }

    /// <summary>Defines and starts a pool of the type <c>dir</c>.</summary>
    public static async Task<LabPool> StartAsync(string name, string folder)
    {
        await Virsh.RunAsync("pool-define-as", name, "dir", "--target", folder);
        await Virsh.RunAsync("pool-start", name);
        return new LabPool(name);
    }

    public async ValueTask DisposeAsync()
    {
        await Virsh.TryAsync("pool-destroy", Name);
        await Virsh.TryAsync("pool-undefine", Name);
    }
}
