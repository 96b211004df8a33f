namespace KvmBackup.Lab.Support;

/// <summary>The lab's own libvirtd, stopped and started as by an upgrade of its package, while guests keep
/// running.</summary>
public static class LabLibvirt
{
    public static Task StopAsync() => ScriptAsync("stop-libvirtd");

    /// <summary>Returns when it answers.</summary>
    public static Task StartAsync() => ScriptAsync("start-libvirtd");

    public static async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    private static async Task ScriptAsync(string command) =>
        (await RunningProgram.RunAsync("bash", LabEnvironment.ScriptPath, command)).MustSucceed();
}
