using System.Text;

namespace KvmBackup.Reporting;

/// <summary>
/// A standard stream that may be closed or full. Text that cannot be written is dropped and the reason is recorded: no
/// backup fails because its report cannot be printed.
/// </summary>
/// <param name="inner">The stream; null if the process was started without it.</param>
public sealed class GuardedWriter(TextWriter? inner) : TextWriter
{
    /// <summary>Why text was dropped; null if all was written.</summary>
    public string? Failure { get; private set; }

    public override Encoding Encoding => inner?.Encoding ?? Encoding.UTF8;

    public override void Write(char value) => Guard(value, static (writer, one) => writer.Write(one));

    public override void Write(string? value) => Guard(value, static (writer, text) => writer.Write(text));

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void WriteLine(string? value) => Guard(value, static (writer, text) => writer.WriteLine(text));

    public override void Flush() => Guard(0, static (writer, _) => writer.Flush());

    private void Guard<T>(T value, Action<TextWriter, T> write)
    {
        if (inner is null)
        {
            Failure = "it is closed";
            return;
        }

        try
        {
            write(inner, value);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // .NET replaces the kernel's message for a closed descriptor by one about access.
            Failure ??= (failure.InnerException ?? failure).Message.TrimEnd('.');
        }
    }
}
