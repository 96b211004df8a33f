namespace KvmBackup.Tests.Architecture;

/// <summary>Tests of the rules: each of them finds what it is meant to find.</summary>
public sealed class RuleTests
{
    private static readonly SourceFile Shell = SourceFile.Parse(
        "Shell/IProcessRunner.cs", "namespace KvmBackup.Shell;\n\npublic interface IProcessRunner\n{\n}\n");

    [Theory]
    [InlineData("using KvmBackup.Shell;")]
    [InlineData("global using KvmBackup.Shell;")]
    [InlineData("using static KvmBackup.Shell.IProcessRunner;")]
    [InlineData("using S = KvmBackup.Shell.IProcessRunner;")]
    [InlineData("class A { KvmBackup.Shell.IProcessRunner shell; }")]
    [InlineData("class A { global::KvmBackup.Shell.IProcessRunner shell; }")]
    [InlineData("class A { Shell.IProcessRunner shell; }")]
    [InlineData("class A { string text = $\"{nameof(Shell.IProcessRunner)}\"; }")]
    [InlineData("class A { string text = $\"a\" + nameof(Shell.IProcessRunner) + \"b\"; }")]
    [InlineData("class A { char quote = '\"'; Shell.IProcessRunner shell; string text = \"b\"; }")]
    public void A_forbidden_dependency_is_found_in_every_notation(string code) =>
        Assert.Equal(["Planning/A.cs: Planning must not use Shell"], Find("Planning/A.cs", code));

    [Theory]
    [InlineData("// using KvmBackup.Shell;")]
    [InlineData("/* KvmBackup.Shell.IProcessRunner */")]
    [InlineData("class A { string text = \"KvmBackup.Shell.IProcessRunner\"; }")]
    [InlineData("class A { int length = this.Shell.IProcessRunner; }")]
    [InlineData("class A { int length = Shell.Length; }")]
    [InlineData("using KvmBackup.Model;\nusing KvmBackup.Configuration;\nusing KvmBackup.Planning;")]
    public void Allowed_code_is_accepted(string code) => Assert.Empty(Find("Planning/A.cs", code));

    [Theory]
    [InlineData("using KvmBackup.Runs.Backup;")]
    [InlineData("class A { KvmBackup.Runs.Backup.Night night; }")]
    public void A_dependency_between_the_modules_of_a_folder_is_found(string code) =>
        Assert.Equal(["Runs/Restore/A.cs: Runs/Restore must not use Runs/Backup"], Find("Runs/Restore/A.cs", code));

    [Fact]
    public void A_module_that_is_not_in_the_table_may_use_nothing() =>
        Assert.Single(Find("Elsewhere/A.cs", "using KvmBackup.Model;"));

    [Theory]
    [InlineData("Runs/Backup", "class A { string a = \"virsh\"; }", true)]
    [InlineData("Hypervisor", "class A { string a = \"virsh\"; }", false)]
    [InlineData("Runs/Backup", "// virsh does this\nclass A;", false)]
    [InlineData("Runs/Backup", "class A { string a = \"type: virsh list\"; }", false)]
    [InlineData("Hypervisor", "class A { string a = \"qemu-img\"; }", true)]
    [InlineData("Archiving", "class A { string a = \"rbd\"; }", true)]
    [InlineData("Runs/Backup", "using YamlDotNet.Core;", true)]
    [InlineData("Runs/Backup", "class A { void B() => Process.Start(\"x\"); }", true)]
    [InlineData("Shell", "class A { void B() => Process.Start(\"x\"); }", false)]
    [InlineData("Runs/Backup", "class A { int B => Environment.ProcessId; }", false)]
    [InlineData("Runs/Backup", "class A { void B() => Console.WriteLine(); }", true)]
    [InlineData("Runs/Backup", "class A { void B() => System.Console.WriteLine(); }", true)]
    [InlineData("Runs/Backup", "using Spectre.Console;", true)]
    [InlineData("Cli", "using Spectre.Console;", false)]
    [InlineData("Planning", "class A { bool B => File.Exists(\"x\"); }", true)]
    [InlineData("Storage", "class A { bool B => File.Exists(\"x\"); }", false)]
    [InlineData("Storage", "class A { object B => DateTimeOffset.UtcNow; }", true)]
    [InlineData("Storage", "class A { object B => File.OpenRead(\"x\"); }", true)]
    [InlineData("Storage", "class A { void B() { using FileStream b = new(\"x\", FileMode.Open); } }", true)]
    [InlineData("Storage", "class A { void B() => Directory.Delete(\"x\", recursive: true); }", true)]
    [InlineData("Runs/Backup", "class A { object B => File.OpenHandle(\"x\"); }", true)]
    [InlineData("Persisting", "class A { object B => File.OpenHandle(\"x\"); }", false)]
    [InlineData("Planning", "class A(ILogger log);", true)]
    public void A_term_belongs_to_its_module(string module, string code, bool isForeign) =>
        Assert.Equal(isForeign, ForeignTerms.Find(SourceFile.Parse($"{module}/A.cs", code)).Any());

    [Fact]
    public void The_namespace_and_the_outermost_types_of_a_file_are_found()
    {
        SourceFile source = SourceFile.Parse(
            "Model/A.cs",
            """
            namespace KvmBackup.Model;

            public sealed record A(int B)
            {
                private sealed class Inner;
            }

            internal readonly record struct C;
            public static partial class D;
            public enum E
            {
            }
            file interface IF;
            """);
        Assert.Equal("KvmBackup.Model", source.Namespace);
        Assert.Equal(["A", "C", "D", "E", "IF"], source.Types);
        Assert.Equal(12, source.LineCount);
    }

    private static IReadOnlyList<string> Find(string path, string code)
    {
        SourceFile source = SourceFile.Parse(path, code);
        return new Crossings([Shell, source]).Find(source);
    }
}
