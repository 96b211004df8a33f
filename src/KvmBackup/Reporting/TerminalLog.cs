using System.Globalization;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting.Display;

namespace KvmBackup.Reporting;

/// <summary>
/// The log on standard error, one line per step, and below it on a terminal one line with the progress of the transfer.
/// Standard output is reserved for reports.
/// </summary>
/// <param name="output">Standard error.</param>
/// <param name="isTerminal">Show progress.</param>
/// <param name="time">The clock, for rates.</param>
/// <param name="width">Gives the current columns of the terminal; null if unknown.</param>
public sealed class TerminalLog(TextWriter output, bool isTerminal, TimeProvider time, Func<int?>? width = null)
    : ILogEventSink, IProgress<TransferProgress>
{
    private const string EraseLine = "\r\u001b[K";
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromMilliseconds(200);

    // Literal strings: names are not quoted.
    private static readonly MessageTemplateTextFormatter Formatter = new("{Message:lj}", CultureInfo.InvariantCulture);

    private readonly Lock gate = new();
    private string progressLine = string.Empty;
    private string currentStep = string.Empty;
    private long firstReport;
    private long firstBytes;
    private long lastReport;

    public void Emit(LogEvent logEvent)
    {
        string level = logEvent.Level switch
        {
            LogEventLevel.Verbose or LogEventLevel.Debug => "debug",
            LogEventLevel.Information => "info",
            LogEventLevel.Warning => "WARNING",
            _ => "ERROR",
        };
        using StringWriter message = new(CultureInfo.InvariantCulture);
        Formatter.Format(logEvent, message);
        string text = PlainText.Line(message.ToString());
        if (logEvent.Level != LogEventLevel.Debug)
        {
            text = PlainText.ShortenWords(text);
        }

        lock (gate)
        {
            Erase();
            output.WriteLine($"{logEvent.Timestamp:yyyy-MM-dd HH:mm:ss} {level,-7} {text}");
            output.Write(progressLine);
        }
    }

    public void Report(TransferProgress value)
    {
        lock (gate)
        {
            bool isNew = value.Step != currentStep;
            bool isOver = value.DoneBytes >= value.TotalBytes;
            if (!isTerminal || (!isNew && !isOver && time.GetElapsedTime(lastReport) < ProgressInterval))
            {
                return;
            }

            lastReport = time.GetTimestamp();
            if (isNew)
            {
                (currentStep, firstReport, firstBytes) = (value.Step, lastReport, value.DoneBytes);
            }

            Erase();

            // After the last byte the log reports the further steps.
            progressLine = isOver ? string.Empty : Describe(value);
            output.Write(progressLine);
        }
    }

    /// <summary>Erases the progress line before a report is printed.</summary>
    public void Finish()
    {
        lock (gate)
        {
            Erase();
            progressLine = string.Empty;
        }
    }

    private string Describe(TransferProgress value)
    {
        double seconds = time.GetElapsedTime(firstReport, lastReport).TotalSeconds;
        double rate = seconds > 0 ? (value.DoneBytes - firstBytes) / seconds : 0;
        double share = value.TotalBytes > 0 ? 100.0 * value.DoneBytes / value.TotalBytes : 100;
        string left = rate > 0 ? PlainText.Duration((value.TotalBytes - value.DoneBytes) / rate) : "?";
        string numbers = string.Create(
            CultureInfo.InvariantCulture,
            $" {share:0}%  {ByteSize.Format(value.DoneBytes)} of "
            + $"{ByteSize.Format(value.TotalBytes)}  {ByteSize.Format(rate)}/s  {left} left");
        return Fit($"{PlainText.Line(value.Domain.Value)}: {value.Step}", numbers);
    }

    /// <summary>
    /// Fits the text in one line without its last column, since a wrapped line cannot be erased. The words are
    /// shortened before the numbers.
    /// </summary>
    private string Fit(string words, string numbers)
    {
        if (width?.Invoke() is not { } columns || words.Length + numbers.Length < columns)
        {
            return words + numbers;
        }

        int available = Math.Max(0, columns - 1);
        return numbers.Length < available
            ? PlainText.Shorten(words, available - numbers.Length) + numbers
            : PlainText.Shorten(words + numbers, available);
    }

    private void Erase()
    {
        if (progressLine.Length > 0)
        {
            output.Write(EraseLine);
        }
    }
}
