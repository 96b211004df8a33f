namespace KvmBackup.Lab.Support;

/// <summary>Stands before the real <c>rbd</c> or <c>qemu-img</c> of one run of the program under test, and does something at a
/// moment of its own.</summary>
public sealed class Interposer
{
    private readonly string folder = LabEnvironment.NewDirectory("interposer");

    /// <param name="script">In the words of bash: <c>$real</c> is the real program, <c>$state</c> a folder for notes. What it
    /// does not end goes to the real program.</param>
    /// <param name="program">Its name.</param>
    public Interposer(string script, string program = "rbd")
    {
        string real = Environment.GetEnvironmentVariable("PATH")!.Split(':').Select(path => Path.Combine(path, program)).First(File.Exists);
        string path = Path.Combine(folder, program);
        File.WriteAllText(path, $"#!/bin/bash\nreal={real} state={folder}\n{script}\nexec \"$real\" \"$@\"\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    /// <summary>One that does something in the middle of what <c>rbd export-diff</c> prints.</summary>
    /// <param name="deed">In the words of bash.</param>
    public static Interposer WithinExport(string deed) => new(
        $"case \" $* \" in *' export-diff '*) \"$real\" \"$@\" | {{ head -c 300000; {{ {deed}; }} >&2; cat; }}; exit ${{PIPESTATUS[0]}} ;; esac");

    /// <summary>One that stops the program under test as soon as a command of <c>rbd</c> has done its work.</summary>
    /// <param name="command">The first word, as <c>create</c>.</param>
    public static Interposer StoppingAfter(string command) => new(
        $"case \" $* \" in *' {command} '*) \"$real\" \"$@\" && kill -s STOP $PPID; exit ;; esac");

    /// <summary>One that stops the program under test in the middle of what it writes into <c>rbd import-diff</c>.</summary>
    public static Interposer StoppingWithinImport() => new(
        "case \" $* \" in *' import-diff '*) { head -c 1000000; kill -s STOP $PPID; cat; } | \"$real\" \"$@\"; exit ;; esac");

    public async Task<Outcome> RunAsync(BackupSite site, params IEnumerable<string> words)
    {
        await using RunningProgram running = Start(site, words);
        return await running.WaitAsync(TimeSpan.FromMinutes(2));
    }

    public RunningProgram Start(BackupSite site, params IEnumerable<string> words) => RunningProgram.Start(
        Kvmbackup.ProgramPath, ["--config", site.ConfigurationPath, .. words],
        new Dictionary<string, string> { ["PATH"] = $"{folder}:{Environment.GetEnvironmentVariable("PATH")}" });
}
