namespace KvmBackup.Lab.Support;

/// <summary>A wrapper before the real <c>rbd</c> or <c>qemu-img</c> of one run of the program under test, which acts at
/// a given point.</summary>
public sealed class Interposer
{
    private readonly string folder = LabEnvironment.NewDirectory("interposer");

    /// <param name="script">A bash script: <c>$real</c> is the real program, <c>$state</c> a folder for notes. If it
    /// does not exit, the real program is called.</param>
    /// <param name="program">The name of the real program.</param>
    public Interposer(string script, string program = "rbd")
    {
        string real = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(path => Path.Combine(path, program))
            .First(File.Exists);
        string path = Path.Combine(folder, program);
        File.WriteAllText(path, $"#!/bin/bash\nreal={real} state={folder}\n{script}\nexec \"$real\" \"$@\"\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    /// <summary>Runs a command in the middle of the output of <c>rbd export-diff</c>.</summary>
    /// <param name="action">A bash command.</param>
    public static Interposer WithinExport(string action) => new(
        $"case \" $* \" in *' export-diff '*) \"$real\" \"$@\" | {{ head -c 300000; {{ {action}; }} >&2; cat; }}; exit "
        + $"${{PIPESTATUS[0]}} ;; esac");

    /// <summary>Stops the program under test when a command of <c>rbd</c> has completed.</summary>
    /// <param name="command">The first argument, for instance <c>create</c>.</param>
    public static Interposer StoppingAfter(string command) => new(
        $"case \" $* \" in *' {command} '*) \"$real\" \"$@\" && kill -s STOP $PPID; exit ;; esac");

    /// <summary>Stops the program under test in the middle of its output to <c>rbd import-diff</c>.</summary>
    public static Interposer StoppingWithinImport() => new(
        "case \" $* \" in *' import-diff '*) { head -c 1000000; kill -s STOP $PPID; cat; } | \"$real\" \"$@\"; exit ;; "
        + "esac");

    public async Task<Outcome> RunAsync(BackupSite site, params IEnumerable<string> words)
    {
        await using RunningProgram running = Start(site, words);
        return await running.WaitAsync(TimeSpan.FromMinutes(2));
    }

    public RunningProgram Start(BackupSite site, params IEnumerable<string> words) => RunningProgram.Start(
        Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, .. words],
        new Dictionary<string, string> { ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" });
}
